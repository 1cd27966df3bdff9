import { Badge, Group, Stack, Text } from "@mantine/core";
import { IconArrowBackUp, IconArrowRight } from "@tabler/icons-react";

import type { JsonObject } from "@/api/agents";

import { useField } from "../editor/draft";
import { SwitchField } from "../editor/fields";
import { JsonField } from "../editor/JsonField";
import { Card, Section } from "../editor/Section";
import { type Step, stepsOf } from "./workflowText";

/** The graph of subagents, tools and transfers: as a list to read, and as JSON to change. */
export default function Workflow() {
  const field = useField<JsonObject>("workflow", {});
  const steps = stepsOf(field.value);
  return (
    <Section
      title="Workflow"
      lead="A conversation in steps: subagents with instructions of their own, tools, transfers, and when it goes from one to the next."
    >
      <Card title="Steps">
        {steps.length === 0 ? (
          <Text size="sm" c="dimmed">
            This agent has no workflow: its prompt holds for the whole conversation. Describe nodes and edges
            below to begin one.
          </Text>
        ) : (
          <Stack gap="md" component="ol" m={0} p={0} style={{ listStyle: "none" }}>
            {steps.map((step) => (
              <StepOf key={step.id} step={step} />
            ))}
          </Stack>
        )}
        {steps.length > 0 && (
          <SwitchField
            path="workflow.prevent_subagent_loops"
            label="Do not enter a subagent twice in one turn"
            help="Not again before the user has spoken."
          />
        )}
      </Card>
      <Card title="As JSON">
        <JsonField
          path="workflow"
          label="Workflow"
          help="Nodes and edges by their ids. What cannot be run is told here, before a call is refused."
          fallback={{ nodes: {}, edges: {} }}
          minHeight={260}
        />
      </Card>
    </Section>
  );
}

function StepOf({ step }: { step: Step }) {
  return (
    <li>
      <Group gap="xs">
        <Badge variant="light" tt="none">
          {step.type}
        </Badge>
        <Text fw={600} span>
          {step.label}
        </Text>
        {step.isLost && (
          <Badge variant="light" color="orange" tt="none">
            no way leads here
          </Badge>
        )}
      </Group>
      {step.about && (
        <Text size="sm" c="dimmed" lineClamp={2} mt={4}>
          {step.about}
        </Text>
      )}
      {step.ways.map((way) => (
        <Group key={`${way.id} ${way.isBack}`} gap={6} mt={4} pl="sm" wrap="nowrap" align="flex-start">
          {way.isBack ? (
            <IconArrowBackUp size={16} aria-label="back" style={{ flex: "none", marginTop: 2 }} />
          ) : (
            <IconArrowRight size={16} aria-label="on" style={{ flex: "none", marginTop: 2 }} />
          )}
          <Text size="sm">
            <b>{way.to}</b>
            {way.when === "always" ? "" : `: ${way.when}`}
          </Text>
        </Group>
      ))}
    </li>
  );
}
