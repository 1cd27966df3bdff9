import { Alert, Button, Group, Skeleton, Text } from "@mantine/core";
import { IconCircleCheck, IconPhoneOff, IconTimeline } from "@tabler/icons-react";
import { Link } from "react-router";

import { ApiError } from "@/api/client";
import { isRunning, useConversation } from "@/api/conversations";
import { endingWords } from "@/conversations/words";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { clock } from "@/parts/format";

interface Props {
  id: string;
  /** What the server said as it closed. */
  reason: string;
}

/** After the call, or when it is not there: why it ended, and where to look further. */
export function Over({ id, reason }: Props) {
  const { data, error, refetch } = useConversation(id);
  if (error instanceof ApiError && error.status === 404) {
    return (
      <EmptyState
        icon={IconPhoneOff}
        title="There is no such conversation"
        text="It may have been deleted, or the address is not whole."
        action={
          <Button component={Link} to="/live" variant="default">
            Show what runs
          </Button>
        }
      />
    );
  }
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton h={84} radius="md" />;
  const isStillRunning = isRunning(data.status);
  return (
    <Alert
      variant="light"
      color={data.status === "failed" ? "red" : "teal"}
      icon={<IconCircleCheck />}
      title="The conversation has ended"
      role="status"
    >
      <Text size="sm" className="numbers">
        {isStillRunning ? reason : `${endingWords(data)} It ran ${clock(data.metadata.call_duration_secs)}.`}
      </Text>
      <Group mt="sm" gap="xs">
        <Button
          component={Link}
          to={`/conversations/${id}`}
          size="sm"
          leftSection={<IconTimeline size={16} />}
        >
          Open its timeline
        </Button>
        <Button component={Link} to="/live" size="sm" variant="default">
          Show what runs
        </Button>
      </Group>
    </Alert>
  );
}
