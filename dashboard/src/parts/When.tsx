import { Text, type TextProps, Tooltip } from "@mantine/core";

import { ago, moment } from "./format";

/** A moment (seconds since 1970): how long ago, in full on hover and focus. */
export function When({ at, ...props }: { at: number } & TextProps) {
  return (
    <Tooltip label={moment(at)}>
      <Text component="time" dateTime={new Date(at * 1000).toISOString()} inherit {...props}>
        {ago(at)}
      </Text>
    </Tooltip>
  );
}
