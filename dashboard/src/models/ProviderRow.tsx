import { Alert, Badge, Box, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { useIsMutating } from "@tanstack/react-query";

import { type Kind, type Provider, useMeasure } from "@/api/models";

import { tell } from "./measured";
import classes from "./Models.module.css";

const KIND_NAMES: Record<string, string> = {
  embedded: "Embedded model",
  scripted: "Script",
  openai: "Service with OpenAI's API",
};

const STATES = {
  here: { label: "Ready", colour: "teal" },
  away: { label: "Not reached", colour: "red" },
  unknown: { label: "Not tried yet", colour: "gray" },
};

const stateOf = ({ is_available: isThere }: Provider) =>
  STATES[isThere === null ? "unknown" : isThere ? "here" : "away"];

/** One entry of the settings: where it is, whether it answers, and how fast it is when it is asked. */
export function ProviderRow({ kind, provider }: { kind: Kind; provider: Provider }) {
  const { measured, measure } = useMeasure(kind, provider.is_default ? "" : provider.name);
  const isAnyRunning = useIsMutating({ mutationKey: ["measure"] }) > 0;
  const state = stateOf(provider);
  const title = provider.model ?? KIND_NAMES[provider.kind] ?? provider.kind;
  return (
    <Box className={classes.row}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
        <Box miw={0}>
          <Group gap={8}>
            <Text fw={600} style={{ overflowWrap: "anywhere" }}>
              {title}
            </Text>
            <Badge variant="light" color={state.colour} size="sm">
              {state.label}
            </Badge>
            {provider.is_default && (
              <Badge variant="default" size="sm">
                Default
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {provider.base_url ? (
              <>
                <span className={classes.mono}>{provider.base_url}</span>
                {`, entry “${provider.name}”`}
              </>
            ) : (
              (provider.note ?? `Entry “${provider.name}”`)
            )}
            {provider.voice && `, voice ${provider.voice}`}
          </Text>
          {provider.base_url && provider.note && (
            <Text size="sm" c={provider.is_available === false ? "var(--mantine-color-error)" : "dimmed"}>
              {provider.note}
            </Text>
          )}
        </Box>
        <Button
          size="xs"
          variant="default"
          flex="none"
          loading={measure.isPending}
          disabled={isAnyRunning || provider.is_available === false}
          onClick={() => measure.mutate()}
          aria-label={`${measured ? "Measure again" : "Measure"} ${title}`}
        >
          {measured ? "Measure again" : "Measure"}
        </Button>
      </Group>
      <div aria-live="polite">
        {measure.error && (
          <Alert color="yellow" mt="sm" py="xs" title="Not measured">
            {measure.error.message}
          </Alert>
        )}
        {measured && !measure.error && <Result measured={measured} />}
      </div>
    </Box>
  );
}

function Result({ measured }: { measured: Parameters<typeof tell>[0] }) {
  const speed = tell(measured);
  const colour = speed.isFastEnough ? "teal" : "orange";
  return (
    <Stack gap={6} mt="sm" className={classes.result}>
      <Text fw={600} className="numbers">
        {speed.headline}
      </Text>
      {speed.share !== null && (
        <Progress.Root size={6} radius="xl">
          <Progress.Section
            value={Math.max(1, 100 * speed.share)}
            color={colour}
            aria-label="Work for a second of sound"
          />
        </Progress.Root>
      )}
      <Text size="sm" c="dimmed" className="numbers">
        {speed.meaning}
        {measured.heard && ` It heard “${measured.heard}”`}
      </Text>
      {measured.warning && <Text size="sm">{measured.warning}</Text>}
    </Stack>
  );
}
