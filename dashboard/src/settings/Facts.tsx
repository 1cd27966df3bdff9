import { Text } from "@mantine/core";
import type { ReactNode } from "react";

import classes from "./Settings.module.css";

export interface Fact {
  name: string;
  value: ReactNode;
  /** What it means. */
  text?: ReactNode;
  /** The setting that changes it. */
  setting?: string;
}

/** How things are, one to a line. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl className={classes.facts}>
      {facts.map(({ name, value, text, setting }) => (
        <div key={name} className={classes.fact}>
          <dt>
            <Text size="sm" fw={500}>
              {name}
            </Text>
            {setting && (
              <Text size="xs" c="dimmed" className={classes.mono}>
                {setting}
              </Text>
            )}
          </dt>
          <dd>
            <Text size="sm" fw={600} component="div" style={{ overflowWrap: "anywhere" }}>
              {value}
            </Text>
            {text && (
              <Text size="sm" c="dimmed" component="div">
                {text}
              </Text>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
