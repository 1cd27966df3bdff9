import { Button, Collapse, Group, Skeleton, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAdjustmentsHorizontal, IconSearch, IconX } from "@tabler/icons-react";
import { lazy, type RefObject, Suspense } from "react";

import { countFilters, type Filters, NONE } from "./filters";
import { Later } from "./Later";

interface Props {
  filters: Filters;
  change: (some: Partial<Filters>) => void;
  searchBox: RefObject<HTMLInputElement | null>;
}

/** Loaded when they are opened. */
const MoreFilters = lazy(() => import("./MoreFilters"));

/** What the list is narrowed by. */
export function FilterBar({ filters, change, searchBox }: Props) {
  const count = countFilters(filters);
  const [isOpen, { toggle }] = useDisclosure(count > 0);
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
        {isOpen && (
          <Suspense fallback={<Skeleton height={130} mt="sm" />}>
            <MoreFilters filters={filters} change={change} />
          </Suspense>
        )}
      </Collapse>
    </div>
  );
}
