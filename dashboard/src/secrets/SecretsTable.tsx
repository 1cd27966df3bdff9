import { Paper, Table, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";

import type { Listed } from "@/api/paging";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import rows from "@/parts/Rows.module.css";

interface Props<T> {
  list: Listed<T>;
  label: string;
  /** The heads of all columns but the last, which holds the actions. */
  columns: string[];
  /** Shown when there is nothing yet. */
  empty: ReactNode;
  row: (one: T) => ReactNode;
}

/** One kind of what agents and tools name instead of holding it. */
export function SecretsTable<T>({ list, label, columns, empty, row }: Props<T>) {
  if (list.error) return <Failure error={list.error} retry={list.refetch} />;
  if (list.isPending) return <Loading rows={3} height={52} />;
  return (
    <>
      {list.items.length === 0 ? (
        empty
      ) : (
        <Paper className={rows.frame}>
          <Table className={rows.table} horizontalSpacing="md" aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
                <Table.Th>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{list.items.map(row)}</Table.Tbody>
          </Table>
        </Paper>
      )}
      <LoadMore list={list} />
    </>
  );
}
