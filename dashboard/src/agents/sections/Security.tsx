import { TagsInput } from "@mantine/core";

import type { JsonObject } from "@/api/agents";

import { useField } from "../editor/draft";
import { Findings, Label, NeverField, NumberField, SwitchField } from "../editor/fields";
import { JsonField } from "../editor/JsonField";
import { Card, Section } from "../editor/Section";

const PLATFORM = "platform_settings";
const GUARD = `${PLATFORM}.guardrails`;

/** Who may start a conversation, how many, and what the agent must not say. */
export default function Security() {
  const queue = useField<boolean>(`${PLATFORM}.queueing_config.enabled`, false);
  return (
    <Section title="Security" lead="Who may call, how often, and what the agent must not say.">
      <Card title="Who may call">
        <SwitchField
          path={`${PLATFORM}.auth.enable_auth`}
          label="Private"
          help="A conversation needs a signed URL or an API key. Off: the id of the agent is enough."
        />
        <Allowlist />
        <SwitchField
          path={`${PLATFORM}.auth.require_origin_header`}
          label="Refuse clients that name no host"
          help="With a list of hosts: whoever is no browser is refused too."
        />
      </Card>
      <Card title="How many">
        <NeverField
          path={`${PLATFORM}.call_limits.agent_concurrency_limit`}
          label="Limit conversations at the same time"
          fallback={-1}
          whenOn={10}
          min={1}
          max={200}
          step={1}
        />
        <NumberField
          path={`${PLATFORM}.call_limits.daily_limit`}
          label="Conversations a day"
          help="-1: no limit."
          fallback={100000}
          min={-1}
        />
        <SwitchField
          path={`${PLATFORM}.queueing_config.enabled`}
          label="Callers wait for a place"
          help="Instead of being refused when all are taken."
        />
        {queue.value && (
          <NumberField
            path={`${PLATFORM}.queueing_config.wait_timeout_seconds`}
            label="At most"
            fallback={180}
            min={0}
            max={1800}
            unit="s"
          />
        )}
      </Card>
      <Card title="Guardrails" lead="Judged by a model while the agent speaks, or before.">
        <SwitchField
          path={`${GUARD}.focus.is_enabled`}
          label="Stay with the subject"
          help="Answers that leave what the prompt is about are stopped."
        />
        <SwitchField
          path={`${GUARD}.prompt_injection.is_enabled`}
          label="Notice manipulation"
          help="Users who try to give the agent other instructions."
        />
        <JsonField
          path={`${GUARD}.custom.config.configs`}
          label="Rules of your own"
          help={'Each as {"is_enabled": true, "name": "Prices", "prompt": "The agent promises a discount."}.'}
          fallback={[]}
          minHeight={90}
        />
      </Card>
    </Section>
  );
}

function Allowlist() {
  const field = useField<JsonObject[]>(`${PLATFORM}.auth.allowlist`, []);
  const hosts = field.value.map(({ hostname }) => String(hostname));
  const put = (names: string[]) =>
    field.set(names.map((hostname) => field.value.find((one) => one.hostname === hostname) ?? { hostname }));
  return (
    <div>
      <TagsInput
        label={<Label text="Pages that may call" isChanged={field.isChanged} />}
        description="Hosts as browsers name them, port included: shop.example.com, localhost:3000. None: any page."
        placeholder={hosts.length ? undefined : "Any"}
        value={hosts}
        onChange={put}
      />
      <Findings findings={field.findings} />
    </div>
  );
}
