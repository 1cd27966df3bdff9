import { Text } from "@mantine/core";

import type { JsonObject } from "@/api/agents";
import { BearerToken } from "@/parts/BearerToken";

import { useField } from "../editor/draft";
import { Findings, Label, SelectField, TextField } from "../editor/fields";

const CUSTOM = "conversation_config.agent.prompt.custom_llm";

/** An endpoint of the agent's own, in OpenAI's dialect. */
export function CustomModel() {
  const key = useField<JsonObject>(`${CUSTOM}.api_key`, {});
  return (
    <>
      <TextField
        path={`${CUSTOM}.url`}
        label="Address"
        help="The base; /chat/completions is appended unless it is there."
        placeholder="http://127.0.0.1:11434/v1"
        required
      />
      <TextField path={`${CUSTOM}.model_id`} label="Model there" placeholder="qwen3:8b" />
      <SelectField
        path={`${CUSTOM}.api_type`}
        label="Dialect"
        fallback="chat_completions"
        options={[
          { value: "chat_completions", label: "Chat completions" },
          { value: "responses", label: "Responses" },
        ]}
      />
      <div>
        <BearerToken
          label={<Label text="API key" isChanged={key.isChanged} />}
          value={key.value.secret_id}
          onChange={(id) => key.set(id ? { secret_id: id } : undefined)}
          clear="No API key"
        />
        {"env_var_label" in key.value && (
          <Text size="sm" c="dimmed" mt={4}>
            It comes from the environment variable {String(key.value.env_var_label)}.
          </Text>
        )}
        <Findings findings={key.findings} />
      </div>
    </>
  );
}
