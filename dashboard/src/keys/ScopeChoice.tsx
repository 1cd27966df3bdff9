import { Box, Checkbox, Fieldset, Radio, SimpleGrid, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { CUSTOM, GROUPS, presetOf, PRESETS } from "./scopes";

interface Props {
  /** null: everything. */
  scopes: string[] | null;
  change: (scopes: string[] | null) => void;
}

/** What a key may do: what keys are usually for, or right by right. */
export function ScopeChoice({ scopes, change }: Props) {
  const [choice, setChoice] = useState(presetOf(scopes));
  const choose = (value: string) => {
    setChoice(value);
    const preset = PRESETS.find((one) => one.value === value);
    if (preset) change(preset.scopes === null ? null : [...preset.scopes]);
    else change(scopes ?? []);
  };
  return (
    <Stack gap="sm">
      <Radio.Group label="What it may do" value={choice} onChange={choose}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" mt={6}>
          {PRESETS.map(({ value, label, text }) => (
            <Choice key={value} value={value} label={label} text={text} />
          ))}
          <Choice value={CUSTOM} label="Chosen one by one" text="Right by right." />
        </SimpleGrid>
      </Radio.Group>
      {choice === CUSTOM && (
        <Checkbox.Group aria-label="Rights" value={scopes ?? []} onChange={change}>
          <Stack gap="sm">
            {GROUPS.map((group) => (
              <Fieldset key={group.name} legend={group.name} py="xs" px="md">
                <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" verticalSpacing="xs">
                  {group.scopes.map(({ value, label, text }) => (
                    <Checkbox key={value} value={value} label={label} description={text} size="sm" />
                  ))}
                </SimpleGrid>
              </Fieldset>
            ))}
          </Stack>
        </Checkbox.Group>
      )}
    </Stack>
  );
}

function Choice({ value, label, text }: { value: string; label: string; text: string }) {
  return (
    <Radio.Card value={value} p="sm" radius="md" aria-label={label}>
      <Box style={{ display: "flex", gap: 10 }}>
        <Radio.Indicator size="sm" mt={2} />
        <Box miw={0}>
          <Text size="sm" fw={600}>
            {label}
          </Text>
          <Text size="xs" c="dimmed">
            {text}
          </Text>
        </Box>
      </Box>
    </Radio.Card>
  );
}
