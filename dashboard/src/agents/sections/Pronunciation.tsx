import { Anchor, Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";

import type { JsonObject } from "@/api/agents";
import { DICTIONARIES } from "@/api/choices";
import { done } from "@/parts/notices";
import { PickMany } from "@/parts/PickMany";

import { NewDictionary } from "../../settings/pronunciation/NewDictionary";
import { useField } from "../editor/draft";
import { Findings, Label } from "../editor/fields";
import { Card } from "../editor/Section";

const PATH = "conversation_config.tts.pronunciation_dictionary_locators";

const idOf = (locator: JsonObject) => String(locator.pronunciation_dictionary_id ?? "");

/** The dictionaries that say how words are spoken. */
export function Pronunciation() {
  const field = useField<JsonObject[]>(PATH, []);
  const [isCreating, { open, close }] = useDisclosure();
  const choose = (ids: string[]) =>
    field.set(
      ids.map((id) => field.value.find((one) => idOf(one) === id) ?? { pronunciation_dictionary_id: id }),
    );
  const created = (id: string) => {
    close();
    choose([...field.value.map(idOf), id]);
    done("The dictionary is created and named here. Save the agent, then write its rules.");
  };
  return (
    <Card
      title="Pronunciation"
      lead="Dictionaries of words that are said in another way than they are written."
    >
      <div>
        <PickMany
          label={<Label text="Dictionaries" isChanged={field.isChanged} />}
          description="The first rule that fits a place wins, in this order."
          placeholder="None"
          none="There are none yet"
          from={DICTIONARIES}
          value={field.value.map(idOf)}
          onChange={choose}
        />
        <Findings findings={field.findings} />
      </div>
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed">
          Their rules are written under{" "}
          <Anchor component={Link} to="/settings?tab=pronunciation" inherit underline="always">
            Settings
          </Anchor>
          .
        </Text>
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={open}>
          New dictionary
        </Button>
      </Group>
      {isCreating && <NewDictionary close={close} show={created} />}
    </Card>
  );
}
