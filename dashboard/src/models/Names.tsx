import { Paper, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconArrowsExchange, IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { useModels } from "@/api/models";
import { Block } from "@/parts/Block";
import { Command } from "@/parts/Command";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";

import classes from "./Models.module.css";
import { narrowed, rows } from "./names";

const EXAMPLE = `[mapping.llm]
"gpt-4o" = "default"        # one name
"claude-*" = "big/qwen3:32b"  # a pattern: a model of the entry [llm.big]

[mapping.voices]
"21m00Tcm4TlvDq8ikWAM" = "heart"`;

/** Which model or voice of this server answers to a name that agents bring along. */
export function Names() {
  const { data, error, refetch } = useModels();
  const [search, setSearch] = useState("");
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={6} />;
  const all = rows(data);
  const shown = narrowed(all, search);
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={720}>
        Agents name models and voices of hosted services. Each name is looked up here: the exact name first,
        then patterns in their order. A name that is in no row goes to the default, with a warning in the
        record of the conversation.
      </Text>
      {all.length === 0 ? (
        <EmptyState
          icon={IconArrowsExchange}
          title="No name is mapped"
          text={`Every name of a model goes to the default: “${data.language_models.default}” thinks. Map names in parola.toml and start the server again.`}
        />
      ) : (
        <>
          <TextInput
            aria-label="Search names"
            placeholder="Search names"
            leftSection={<IconSearch size={16} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            maw={360}
          />
          {shown.length === 0 ? (
            <EmptyState
              icon={IconSearch}
              title="No name is like that"
              text="No row and no pattern fits: an agent with this name would get the default."
            />
          ) : (
            <Paper style={{ overflow: "hidden" }}>
              <Table className={classes.names} horizontalSpacing="md" aria-label="Names">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Agents ask for</Table.Th>
                    <Table.Th>This server uses</Table.Th>
                    <Table.Th>Kind</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {shown.map((row) => (
                    <Table.Tr key={`${row.kind} ${row.asked}`}>
                      <Table.Td className={classes.mono}>{row.asked}</Table.Td>
                      <Table.Td>
                        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                          {row.used}
                        </Text>
                        {row.warning && (
                          <Text size="xs" c="dimmed">
                            {row.warning}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td>
                        <Text size="sm" c="dimmed">
                          {row.kind}
                        </Text>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Paper>
          )}
        </>
      )}
      <Block title="Map a name" lead="In parola.toml; the target is an entry, ENTRY/MODEL, or a voice.">
        <Command text={EXAMPLE} label="Copy the example" />
      </Block>
    </Stack>
  );
}
