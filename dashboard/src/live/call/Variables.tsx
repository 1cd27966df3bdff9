import { Button, Group, Paper, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";

import type { Json, JsonObject } from "@/api/agents";

import classes from "./Call.module.css";
import type { Controls } from "./useControls";
import { valueOf } from "./values";

interface Props {
  variables: JsonObject;
  give: Controls["give"] | null;
}

/** The dynamic variables that clients and operators have set, and a way to set one. */
export function Variables({ variables, give }: Props) {
  const known = Object.entries(variables).filter(([name]) => !name.startsWith("system__"));
  return (
    <Paper p="md" component="section" aria-label="Variables">
      <Title order={2} fz="md" mb={known.length ? "xs" : 4}>
        Variables
      </Title>
      {known.length ? (
        <dl className={classes["variables"]} tabIndex={0}>
          {known.map(([name, value]) => (
            <Pair key={name} name={name} value={value} />
          ))}
        </dl>
      ) : (
        <Text size="sm" c="dimmed">
          None has been set by the client or an operator.
        </Text>
      )}
      {give && <Form give={give} />}
    </Paper>
  );
}

const Pair = ({ name, value }: { name: string; value: Json }) => (
  <>
    <dt>{name}</dt>
    <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
  </>
);

function Form({ give }: { give: Controls["give"] }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const set = (event: FormEvent) => {
    event.preventDefault();
    void give("set_variables", { variables: { [name.trim()]: valueOf(value) } }).then((isDone) => {
      if (!isDone) return;
      setName("");
      setValue("");
    });
  };
  return (
    <Group component="form" onSubmit={set} gap={6} mt="sm" wrap="nowrap">
      <TextInput
        size="xs"
        flex={1}
        aria-label="Name of a variable"
        placeholder="name"
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        size="xs"
        flex={1}
        aria-label="Its value"
        placeholder="value"
        autoComplete="off"
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
      />
      <Button size="xs" type="submit" variant="default" disabled={!name.trim()}>
        Set
      </Button>
    </Group>
  );
}
