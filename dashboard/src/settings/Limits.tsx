import { Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { useLimits } from "@/api/server";
import { Block } from "@/parts/Block";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";

import { grouped, narrowed } from "./limits";
import classes from "./Settings.module.css";

/** Every time-out and every size that somebody can run into. */
export default function Limits() {
  const { data, error, refetch } = useLimits();
  const [search, setSearch] = useState("");
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={3} height={180} />;
  const groups = narrowed(grouped(data), search);
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={720}>
        Every limit in force. Rates and shares are set in the table [limits] of parola.toml, conversations at
        a time by max_conversations; the others are part of the server.
      </Text>
      <TextInput
        aria-label="Search limits"
        placeholder="Search limits"
        leftSection={<IconSearch size={16} />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        maw={360}
      />
      {groups.length === 0 && (
        <EmptyState icon={IconSearch} title="No limit is like that" text="Search for another word." />
      )}
      <div className={classes.columns}>
        {groups.map((group) => (
          <div key={group.name}>
            <Block title={group.name}>
              <dl className={classes.limits}>
                {group.rows.map(({ name, value }) => (
                  <div key={name} className={classes.limit}>
                    <dt>{name}</dt>
                    <dd className="numbers">{value}</dd>
                  </div>
                ))}
              </dl>
            </Block>
          </div>
        ))}
      </div>
    </Stack>
  );
}
