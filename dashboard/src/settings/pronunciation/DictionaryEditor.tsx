import { Button, Group, Stack, Text } from "@mantine/core";
import { IconArrowLeft, IconDownload, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";

import {
  type DictionarySummary,
  downloadDictionary,
  type Rule,
  useDictionary,
  useDictionaryActions,
} from "@/api/dictionaries";
import { usePreview, useVoices } from "@/api/voices";
import { Block } from "@/parts/Block";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { confirm, done, failed } from "@/parts/notices";
import { saveAs } from "@/parts/save";

import { RuleRow } from "./RuleRow";
import { problem } from "./rules";

/** One dictionary: its rules, saved together as a new version. */
export function DictionaryEditor({ id, close }: { id: string; close: () => void }) {
  const { data, error, refetch } = useDictionary(id);
  return (
    <Stack gap="md" maw={960}>
      <Group>
        <Button variant="subtle" size="xs" leftSection={<IconArrowLeft size={14} />} onClick={close}>
          All dictionaries
        </Button>
      </Group>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading rows={4} />}
      {data && <Rules dictionary={data} close={close} />}
    </Stack>
  );
}

const NEW: Rule = { type: "alias", string_to_replace: "", alias: "" };

interface RulesProps {
  dictionary: DictionarySummary & { rules: Rule[] };
  close: () => void;
}

function Rules({ dictionary, close }: RulesProps) {
  const { setRules, update } = useDictionaryActions();
  const voices = useVoices();
  const preview = usePreview(failed);
  const [drafted, setDrafted] = useState<Rule[] | null>(dictionary.rules.length ? null : [NEW]);
  const rules = drafted ?? dictionary.rules;
  const isChanged = drafted !== null && JSON.stringify(drafted) !== JSON.stringify(dictionary.rules);
  const trouble = isChanged ? problem(rules) : null;
  const voice = voices.data?.[0]?.voice_id;
  const save = () =>
    setRules.mutate(
      { id: dictionary.id, rules },
      {
        onSuccess: () => {
          setDrafted(null);
          done("Saved as a new version: agents that name no version use it from their next call on.");
        },
        onError: (error) => failed(error),
      },
    );
  const download = () =>
    downloadDictionary(dictionary).then((file) => saveAs(file, `${dictionary.name}.pls`), failed);
  const archive = () =>
    confirm(
      `Archive “${dictionary.name}”?`,
      "It is not offered any more. Agents that name it keep it.",
      "Archive",
      () =>
        update.mutate(
          { id: dictionary.id, changes: { archived: true } },
          {
            onSuccess: () => {
              done(`“${dictionary.name}” is archived.`);
              close();
            },
            onError: (error) => failed(error),
          },
        ),
    );
  return (
    <Block
      title={dictionary.name}
      lead={
        dictionary.description ??
        "The first rule that fits a place in the text wins. Sounds are for voices that read phonemes; others say what a rule is read as."
      }
      action={
        <Group gap="xs">
          <Button
            variant="default"
            size="xs"
            leftSection={<IconDownload size={14} />}
            onClick={() => void download()}
          >
            PLS
          </Button>
          <Button variant="default" size="xs" leftSection={<IconTrash size={14} />} onClick={archive}>
            Archive
          </Button>
        </Group>
      }
    >
      <Stack gap="xs" component="ul" aria-label="Rules" m={0} p={0} style={{ listStyle: "none" }}>
        {rules.map((rule, index) => (
          <RuleRow
            key={index}
            number={index + 1}
            rule={rule}
            change={(changed) => setDrafted(rules.map((one, at) => (at === index ? changed : one)))}
            remove={() => setDrafted(rules.filter((_, at) => at !== index))}
            hear={
              rule.type === "alias" && rule.alias.trim() && voice
                ? () => void preview.play(voice, rule.alias)
                : null
            }
          />
        ))}
      </Stack>
      {trouble && (
        <Text size="sm" c="var(--mantine-color-error)" role="status">
          {trouble}
        </Text>
      )}
      <Group justify="space-between">
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => setDrafted([...rules, NEW])}
        >
          Add a rule
        </Button>
        <Group gap="xs">
          {isChanged && (
            <Button variant="subtle" onClick={() => setDrafted(null)}>
              Undo
            </Button>
          )}
          <Button onClick={save} disabled={!isChanged || trouble !== null} loading={setRules.isPending}>
            Save the rules
          </Button>
        </Group>
      </Group>
    </Block>
  );
}
