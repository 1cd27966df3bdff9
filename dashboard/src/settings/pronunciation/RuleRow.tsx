import { ActionIcon, Select, TextInput, Tooltip } from "@mantine/core";
import { IconLetterCase, IconPlayerPlay, IconTrash } from "@tabler/icons-react";

import type { Rule } from "@/api/dictionaries";

import classes from "./Pronunciation.module.css";
import { said, spokenOf, wayOf, WAYS } from "./rules";

interface Props {
  /** From 1: what the fields of the row are called. */
  number: number;
  rule: Rule;
  change: (rule: Rule) => void;
  remove: () => void;
  /** null: there is nothing to be heard. */
  hear: (() => void) | null;
}

/** One word and how it is said. */
export function RuleRow({ number, rule, change, remove, hear }: Props) {
  const way = wayOf(rule);
  const isExact = rule.case_sensitive !== false;
  return (
    <li className={classes.rule}>
      <TextInput
        aria-label={`Word of rule ${number}`}
        placeholder="SQL"
        value={rule.string_to_replace}
        onChange={(event) => change({ ...rule, string_to_replace: event.currentTarget.value })}
      />
      <Select
        aria-label={`How rule ${number} says it`}
        data={WAYS}
        value={way}
        onChange={(value) => value && change(said(rule, value, spokenOf(rule)))}
        allowDeselect={false}
      />
      <TextInput
        aria-label={`What rule ${number} says`}
        placeholder={way === "alias" ? "sequel" : way === "ipa" ? "ˈsiːkwəl" : "S IY1 K W AH0 L"}
        value={spokenOf(rule)}
        onChange={(event) => change(said(rule, way, event.currentTarget.value))}
      />
      <div className={classes.marks}>
        <Tooltip label={isExact ? "Capitals count" : "Capitals do not count"}>
          <ActionIcon
            variant={isExact ? "light" : "subtle"}
            color={isExact ? undefined : "gray"}
            size="lg"
            aria-label={`Capitals count in rule ${number}`}
            aria-pressed={isExact}
            onClick={() => change({ ...rule, case_sensitive: !isExact })}
          >
            <IconLetterCase size={18} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Hear it">
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Hear rule ${number}`}
            disabled={!hear}
            onClick={() => hear?.()}
          >
            <IconPlayerPlay size={18} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Remove">
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Remove rule ${number}`}
            onClick={remove}
          >
            <IconTrash size={18} />
          </ActionIcon>
        </Tooltip>
      </div>
    </li>
  );
}
