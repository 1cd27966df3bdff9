import { Autocomplete, SimpleGrid, TextInput } from "@mantine/core";

import { AGENTS } from "@/api/choices";
import { type ConversationStatus, useEndings } from "@/api/conversations";
import { DateRange } from "@/parts/DateRange";
import { choicesOf, FilterSelect } from "@/parts/FilterSelect";
import { PickOne } from "@/parts/PickOne";

import { STATUS, VERDICT } from "../words";
import type { Filters } from "./filters";
import { Later } from "./Later";

const RATINGS = [
  { value: "5", label: "5 stars" },
  { value: "4", label: "4 stars and more" },
  { value: "3", label: "3 stars and more" },
  { value: "low", label: "2 stars and less" },
  { value: "1", label: "Any rating" },
];

interface Props {
  filters: Filters;
  change: (some: Partial<Filters>) => void;
}

/** Everything that narrows the list, but the words. */
export default function MoreFilters({ filters, change }: Props) {
  const endings = useEndings();
  const pick = (name: keyof Filters) => (value: string | null) => change({ [name]: value ?? "" });
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="sm" verticalSpacing="xs" pt="sm">
      <PickOne
        label="Agent"
        placeholder="Any"
        from={AGENTS}
        value={filters.agent || null}
        onChange={pick("agent")}
        clearable
      />
      <FilterSelect
        label="Status"
        any="Any"
        data={choicesOf(STATUS satisfies Record<ConversationStatus, { label: string }>)}
        value={filters.status}
        change={pick("status")}
      />
      <FilterSelect
        label="Evaluation"
        any="Any"
        data={choicesOf(VERDICT)}
        value={filters.result}
        change={pick("result")}
      />
      <FilterSelect
        label="Medium"
        any="Any"
        data={[
          { value: "voice", label: "Voice" },
          { value: "text", label: "Text" },
        ]}
        value={filters.kind}
        change={pick("kind")}
      />
      <FilterSelect label="Rating" any="Any" data={RATINGS} value={filters.rating} change={pick("rating")} />
      <DateRange from={filters.from} to={filters.to} change={change} />
      <TextInput
        type="number"
        label="Longer than, seconds"
        placeholder="0"
        min={0}
        value={filters.min}
        onChange={(event) => change({ min: event.currentTarget.value })}
      />
      <TextInput
        type="number"
        label="Shorter than, seconds"
        placeholder="Any"
        min={0}
        value={filters.max}
        onChange={(event) => change({ max: event.currentTarget.value })}
      />
      <Later
        value={filters.ended}
        change={(ended) => change({ ended })}
        render={(value, set) => (
          <Autocomplete
            label="How it ended"
            placeholder="Any"
            data={endings.data ?? []}
            value={value}
            onChange={set}
            clearable
          />
        )}
      />
    </SimpleGrid>
  );
}
