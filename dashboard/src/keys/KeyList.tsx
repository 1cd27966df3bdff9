import { Badge, Button, Group, Stack, Table, Text, Tooltip } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";

import { type ApiKey, isOwn, type MadeKey, type Member, useKeys, useMembers } from "@/api/keys";
import { Failure } from "@/parts/Failure";
import { moment } from "@/parts/format";
import { RowTable } from "@/parts/ListTable";
import { Loading } from "@/parts/Loading";
import rows from "@/parts/Rows.module.css";
import { When } from "@/parts/When";

import { ageOf } from "./expiry";
import { Keyless } from "./Keyless";
import { KeyMenu } from "./KeyMenu";
import { inWords } from "./scopes";
import { ShownOnce } from "./ShownOnce";

const KeyForm = lazy(async () => ({ default: (await import("./KeyForm")).KeyForm }));
const RotateForm = lazy(async () => ({ default: (await import("./RotateForm")).RotateForm }));

/** What stands over the list: a form, or a key that was just made. */
type Over =
  | { is: "new" }
  | { is: "edit"; key: ApiKey }
  | { is: "rotate"; key: ApiKey }
  | { is: "made"; made: MadeKey; isFirst: boolean };

/** All API keys by their beginnings, and what can be done with them. */
export function KeyList() {
  const { data: keys, error, refetch } = useKeys();
  const members = useMembers().items;
  const [over, setOver] = useState<Over | null>(null);
  const close = () => setOver(null);
  const isFirst = keys?.length === 0;
  return (
    <Stack gap="md">
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!keys && !error && <Loading rows={4} height={56} />}
      {isFirst && <Keyless create={() => setOver({ is: "new" })} />}
      {keys && keys.length > 0 && (
        <>
          <Group justify="space-between" gap="sm">
            <Text size="sm" c="dimmed" maw={640}>
              Every request sends a key, in the header <code>xi-api-key</code>. Changes hold at once.
            </Text>
            <Button leftSection={<IconPlus size={16} />} onClick={() => setOver({ is: "new" })}>
              New key
            </Button>
          </Group>
          <RowTable label="API keys" columns={["Name", "May do", "Last used", "Created", "Ends"]} hasActions>
            {keys.map((key) => (
              <Row
                key={key.key_id}
                apiKey={key}
                member={members.find((one) => one.member_id === key.member_id)}
                isLast={keys.length === 1}
                edit={() => setOver({ is: "edit", key })}
                rotate={() => setOver({ is: "rotate", key })}
              />
            ))}
          </RowTable>
        </>
      )}
      <Suspense>
        {(over?.is === "new" || over?.is === "edit") && (
          <KeyForm
            edited={over.is === "edit" ? over.key : null}
            isFirst={isFirst}
            members={members}
            close={close}
            made={(made) => setOver({ is: "made", made, isFirst })}
          />
        )}
        {over?.is === "rotate" && (
          <RotateForm
            rotated={over.key}
            close={close}
            made={(made) => setOver({ is: "made", made, isFirst: false })}
          />
        )}
      </Suspense>
      {over?.is === "made" && <ShownOnce made={over.made} isFirst={over.isFirst} close={close} />}
    </Stack>
  );
}

interface RowProps {
  apiKey: ApiKey;
  member: Member | undefined;
  isLast: boolean;
  edit: () => void;
  rotate: () => void;
}

function Row({ apiKey: key, member, isLast, edit, rotate }: RowProps) {
  const isReplaced = key.replaced_by !== null;
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Group gap={6}>
          <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
            {key.name}
          </Text>
          {isOwn(key) && (
            <Badge variant="light" size="sm">
              This page
            </Badge>
          )}
          {isReplaced && (
            <Badge variant="light" color="gray" size="sm">
              Replaced
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          <Text span inherit ff="monospace">
            {key.prefix}…
          </Text>
          {member && ` of ${member.name}`}
        </Text>
      </Table.Td>
      <Table.Td className={rows.wide}>
        <Rights scopes={key.scopes} />
      </Table.Td>
      <Table.Td data-label="Last used">
        {key.last_used_at_unix_secs === null ? (
          <Text c="dimmed" inherit span>
            never
          </Text>
        ) : (
          <When at={key.last_used_at_unix_secs} />
        )}
      </Table.Td>
      <Table.Td data-label="Created">
        <When at={key.created_at_unix_secs} />
      </Table.Td>
      <Table.Td data-label="Ends">
        <End at={key.expires_at_unix_secs} />
      </Table.Td>
      <Table.Td className={rows.corner}>
        <KeyMenu apiKey={key} isLast={isLast} edit={edit} rotate={rotate} />
      </Table.Td>
    </Table.Tr>
  );
}

function Rights({ scopes }: { scopes: string[] | null }) {
  const { shown, more } = inWords(scopes);
  return (
    <Group gap={4}>
      {shown.map((name) => (
        <Badge key={name} variant="default" size="sm" fw={500}>
          {name}
        </Badge>
      ))}
      {more.length > 0 && (
        <Tooltip label={more.join(", ")}>
          <Badge variant="default" size="sm" fw={500} tabIndex={0}>
            {more.length} more
          </Badge>
        </Tooltip>
      )}
    </Group>
  );
}

function End({ at }: { at: number | null }) {
  const age = ageOf(at);
  if (at === null) {
    return (
      <Text c="dimmed" inherit span>
        never
      </Text>
    );
  }
  if (age === "over") {
    return (
      <Tooltip label={moment(at)}>
        <Badge variant="light" color="red" size="sm" tabIndex={0}>
          Expired
        </Badge>
      </Tooltip>
    );
  }
  return <When at={at} c={age === "ending" ? "var(--mantine-color-error)" : undefined} />;
}
