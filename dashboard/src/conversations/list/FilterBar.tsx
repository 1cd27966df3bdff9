import { Autocomplete, Button, Collapse, Group, SimpleGrid, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAdjustmentsHorizontal, IconSearch, IconX } from "@tabler/icons-react";
import { type RefObject, useEffect, useState } from "react";

import { AGENTS } from "@/api/choices";
import { type ConversationStatus, useEndings } from "@/api/conversations";
import { DateRange } from "@/parts/DateRange";
import { choicesOf, FilterSelect } from "@/parts/FilterSelect";
import { PickOne } from "@/parts/PickOne";

import { STATUS, VERDICT } from "../words";
import { countFilters, type Filters, NONE } from "./filters";

interface Props {
  filters: Filters;
  change: (some: Partial<Filters>) => void;
  searchBox: RefObject<HTMLInputElement | null>;
}

const RATINGS = [
  { value: "5", label: "5 stars" },
  { value: "4", label: "4 stars and more" },
  { value: "3", label: "3 stars and more" },
  { value: "low", label: "2 stars and less" },
  { value: "1", label: "Any rating" },
];

/** What the list is narrowed by. */
export function FilterBar({ filters, change, searchBox }: Props) {
  const count = countFilters(filters);
  const [isOpen, { toggle }] = useDisclosure(count > 0);
  const endings = useEndings();
  const pick = (name: keyof Filters) => (value: string | null) => change({ [name]: value ?? "" });
  return (
    <div role="search">
      <Group gap="xs">
        <Later
          value={filters.q}
          change={(q) => change({ q })}
          render={(value, set) => (
            <TextInput
              ref={searchBox}
              leftSection={<IconSearch size={16} />}
              placeholder="Search what was said"
              aria-label="Search what was said"
              value={value}
              onChange={(event) => set(event.currentTarget.value)}
              flex={1}
              miw={160}
            />
          )}
        />
        <Button
          variant="default"
          leftSection={<IconAdjustmentsHorizontal size={16} />}
          onClick={toggle}
          aria-expanded={isOpen}
        >
          {count ? `Filters (${count})` : "Filters"}
        </Button>
        {(count > 0 || filters.q) && (
          <Button
            variant="subtle"
            color="gray"
            c="dimmed"
            leftSection={<IconX size={15} />}
            onClick={() => change(NONE)}
          >
            Clear
          </Button>
        )}
      </Group>
      <Collapse expanded={isOpen}>
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
          <FilterSelect
            label="Rating"
            any="Any"
            data={RATINGS}
            value={filters.rating}
            change={pick("rating")}
          />
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
      </Collapse>
    </div>
  );
}

interface LaterProps {
  value: string;
  change: (value: string) => void;
  render: (value: string, set: (value: string) => void) => React.ReactNode;
}

/** A field whose value counts when nobody types any more. */
function Later({ value, change, render }: LaterProps) {
  const [typed, setTyped] = useState<string | null>(null);
  useEffect(() => {
    if (typed === null) return;
    const timer = setTimeout(() => {
      change(typed);
      setTyped(null);
    }, 300);
    return () => clearTimeout(timer);
  });
  return render(typed ?? value, setTyped);
}
