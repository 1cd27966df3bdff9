import { Button, Group, Stack } from "@mantine/core";
import { IconArrowLeft, IconDownload, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Navigate } from "react-router";

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
import { UnsavedBar } from "@/parts/UnsavedBar";

import { RuleRow } from "./RuleRow";
import { isBlank, problem } from "./rules";

/** One dictionary: its rules, saved together as a new version. */
export function DictionaryEditor({ id, close }: { id: string; close: () => void }) {
  const { data, error, refetch } = useDictionary(id);
  const [isGone, setGone] = useState(false);
  // What was not saved goes with the dictionary: nobody is asked.
  if (isGone) return <Navigate to="/settings?tab=pronunciation" replace />;
  return (
    <Stack gap="md" maw={960}>
      <Group>
        <Button variant="subtle" size="xs" leftSection={<IconArrowLeft size={14} />} onClick={close}>
          All dictionaries
        </Button>
      </Group>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading rows={4} />}
      {data && <Rules dictionary={data} archived={() => setGone(true)} />}
    </Stack>
  );
}

const NEW: Rule = { type: "alias", string_to_replace: "", alias: "" };

interface RulesProps {
  dictionary: DictionarySummary & { rules: Rule[] };
  archived: () => void;
}

function Rules({ dictionary, archived }: RulesProps) {
  const { setRules, update } = useDictionaryActions();
  const voices = useVoices();
  const preview = usePreview(failed);
  const [drafted, setDrafted] = useState<Rule[] | null>(null);
  const rules = drafted ?? (dictionary.rules.length ? dictionary.rules : [NEW]);
  // A row in which nothing is written is a place to write, and no rule.
  const written = rules.filter((rule) => !isBlank(rule));
  const isChanged = JSON.stringify(written) !== JSON.stringify(dictionary.rules);
  const trouble = problem(written);
  const voice = voices.data?.[0]?.voice_id;
  const save = (then?: () => void) =>
    setRules.mutate(
      { id: dictionary.id, rules: written },
      {
        onSuccess: () => {
          setDrafted(null);
          then?.();
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
              archived();
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
      <Group>
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => setDrafted([...rules, NEW])}
        >
          Add a rule
        </Button>
      </Group>
      <UnsavedBar
        isDirty={isChanged}
        title="The rules have changed"
        text={trouble ?? "They are saved together, as a new version."}
        canSave={trouble === null}
        isSaving={setRules.isPending}
        save={save}
        discard={() => setDrafted(null)}
        of="this dictionary"
        isAway={(from, to) => from.pathname !== to.pathname || from.search !== to.search}
      />
    </Block>
  );
}
