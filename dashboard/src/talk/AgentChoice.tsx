import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";

import { useAgents } from "@/api/agents";

interface Props {
  value: string;
  onChange: (agentId: string) => void;
}

/** Which agent to talk to; the server looks for what is typed. */
export function AgentChoice({ value, onChange }: Props) {
  const [search, setSearch] = useState("");
  const [looked] = useDebouncedValue(search, 200);
  const [chosen, setChosen] = useState<{ value: string; label: string } | null>(null);
  const all = useAgents("", []);
  const isListed = all.items.some((agent) => agent.name === looked);
  const found = useAgents(isListed ? "" : looked, []);
  const choices = new Map(
    [...found.items, ...all.items.filter((agent) => agent.agent_id === value)].map((agent) => [
      agent.agent_id,
      { value: agent.agent_id, label: agent.name || agent.agent_id },
    ]),
  );
  if (chosen?.value === value) choices.set(value, chosen);
  else if (value && !choices.has(value)) choices.set(value, { value, label: value });
  return (
    <Select
      label="Agent"
      placeholder={all.isPending ? "Loading" : "Choose an agent"}
      searchable
      allowDeselect={false}
      maxDropdownHeight={320}
      nothingFoundMessage="No agent of that name."
      value={value || null}
      data={[...choices.values()]}
      searchValue={search}
      onSearchChange={setSearch}
      filter={({ options }) => options}
      onChange={(id, option) => {
        if (!id) return;
        setChosen(option);
        onChange(id);
      }}
    />
  );
}
