import { Alert, Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import { ApiError } from "@/api/client";

/** An error as a sentence, with a way to try again. */
export function Failure({ error, retry, what }: { error: Error; retry?: () => void; what?: string }) {
  const title =
    what ?? (error instanceof ApiError && error.status === 404 ? "Not found" : "That did not work");
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={title} role="alert">
      <Group justify="space-between" align="flex-start">
        <Text size="sm" style={{ whiteSpace: "pre-line" }}>
          {error.message}
        </Text>
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}
