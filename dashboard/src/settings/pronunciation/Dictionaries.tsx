import { Button, Group, Paper, Stack, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronRight, IconPlus, IconVocabulary } from "@tabler/icons-react";
import { useSearchParams } from "react-router";

import { useDictionaries } from "@/api/dictionaries";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import { When } from "@/parts/When";

import { DictionaryEditor } from "./DictionaryEditor";
import { NewDictionary } from "./NewDictionary";
import classes from "./Pronunciation.module.css";

/** How words are said: dictionaries that agents name, and the rules of the one that is open. */
export default function Dictionaries() {
  const [params, setParams] = useSearchParams();
  const open = params.get("dictionary");
  const show = (id: string | null) => setParams({ tab: "pronunciation", ...(id && { dictionary: id }) });
  return open ? <DictionaryEditor key={open} id={open} close={() => show(null)} /> : <List show={show} />;
}

function List({ show }: { show: (id: string) => void }) {
  const list = useDictionaries();
  const [isCreating, { open, close }] = useDisclosure();
  const create = (
    <Button leftSection={<IconPlus size={16} />} onClick={open}>
      New dictionary
    </Button>
  );
  return (
    <Stack gap="md" maw={860}>
      {list.error ? (
        <Failure error={list.error} retry={list.refetch} />
      ) : list.isPending ? (
        <Loading rows={4} height={56} />
      ) : list.items.length === 0 ? (
        <EmptyState
          icon={IconVocabulary}
          title="No dictionaries yet"
          text="A dictionary says how names and abbreviations are spoken: SQL as “sequel”, for example. Agents name the dictionaries that they use, in the section about their voice."
          action={create}
        />
      ) : (
        <>
          <Group justify="space-between" gap="sm">
            <Text size="sm" c="dimmed" maw={560}>
              Agents name the dictionaries that they use, in the section about their voice.
            </Text>
            {create}
          </Group>
          <Paper style={{ overflow: "hidden" }}>
            {list.items.map((one) => (
              <UnstyledButton key={one.id} className={classes.dictionary} onClick={() => show(one.id)}>
                <div className={classes.grow}>
                  <Text fw={600} style={{ overflowWrap: "anywhere" }}>
                    {one.name}
                  </Text>
                  <Text size="sm" c="dimmed">
                    {counted(one.latest_version_rules_num, "rule")}
                    {one.description && ` · ${one.description}`}
                  </Text>
                </div>
                <Text size="sm" c="dimmed" visibleFrom="xs">
                  created <When at={one.creation_time_unix} />
                </Text>
                <IconChevronRight size={16} aria-hidden />
              </UnstyledButton>
            ))}
          </Paper>
          <LoadMore list={list} />
        </>
      )}
      {isCreating && <NewDictionary close={close} show={show} />}
    </Stack>
  );
}
