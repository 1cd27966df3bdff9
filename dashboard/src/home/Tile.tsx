import { Anchor, Paper, Text } from "@mantine/core";
import { Link } from "react-router";

interface Props {
  label: string;
  value: string;
  /** What puts the number into relation. */
  note?: string;
  to?: string;
  tone?: "good" | "bad";
}

/** A number that says how things are; with `to` it leads to what it counts. */
export function Tile({ label, value, note, to, tone }: Props) {
  const colour = tone === "bad" ? "var(--mantine-color-error)" : undefined;
  const inside = (
    <>
      <Text size="sm" c="dimmed" fw={500}>
        {label}
      </Text>
      <Text fz={28} fw={650} lh={1.25} className="numbers" style={{ color: colour }}>
        {value}
      </Text>
      <Text size="xs" c="dimmed" mih="1.55em">
        {note}
      </Text>
    </>
  );
  return (
    <Paper p="md">
      {to ? (
        <Anchor component={Link} to={to} underline="never" c="inherit" display="block">
          {inside}
        </Anchor>
      ) : (
        inside
      )}
    </Paper>
  );
}
