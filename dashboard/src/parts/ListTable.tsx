import { Paper, Table, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";

import type { Listed } from "@/api/paging";

import { Failure } from "./Failure";
import { Loading } from "./Loading";
import { LoadMore } from "./LoadMore";
import rows from "./Rows.module.css";

interface TableProps {
  label: string;
  /** The heads of the columns. One that ends in # has numbers in it. */
  columns: string[];
  /** The last column holds what can be done with a row. */
  hasActions?: boolean;
  /** Its rows. */
  children: ReactNode;
}

/** A table whose rows are cards on a phone (`Rows.module.css`). */
export function RowTable({ label, columns, hasActions, children }: TableProps) {
  return (
    <Paper className={rows.frame}>
      <Table className={rows.table} horizontalSpacing="md" aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column} className={column.endsWith("#") ? rows.number : undefined}>
                {column.replace("#", "")}
              </Table.Th>
            ))}
            {hasActions && (
              <Table.Th>
                <VisuallyHidden>Actions</VisuallyHidden>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Paper>
  );
}

interface ListProps<T> extends Omit<TableProps, "children"> {
  list: Listed<T>;
  /** Shown when there is nothing. */
  empty: ReactNode;
  row: (one: T) => ReactNode;
}

/** A list of the server as such a table: while it is waited for, when it failed, when it is empty, and how it goes on. */
export function ListTable<T>({ list, empty, row, ...table }: ListProps<T>) {
  if (list.isPending) return <Loading rows={5} height={52} />;
  return (
    <>
      {list.error && <Failure error={list.error} retry={list.refetch} />}
      {list.items.length > 0 ? <RowTable {...table}>{list.items.map(row)}</RowTable> : !list.error && empty}
      <LoadMore list={list} />
    </>
  );
}
