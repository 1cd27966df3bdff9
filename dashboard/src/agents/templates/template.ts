import type { Icon } from "@tabler/icons-react";

import type { JsonObject } from "@/api/agents";

export interface Template {
  id: string;
  name: string;
  /** What the agent does, in a sentence. */
  about: string;
  icon: Icon;
  /** What is created: the body of `POST /v1/convai/agents/create`. */
  document: JsonObject;
}

export const END_CALL = {
  name: "end_call",
  description: "",
  params: { system_tool_type: "end_call" },
};

/** How agents on the telephone speak. */
export const SPOKEN = `You are on the telephone: answer in one or two short sentences, without lists, marks or emoji. Ask one question
at a time. When you did not understand something, say so and ask again. The time is {{system__time}}.`;

/** How they take their leave. */
export const GOODBYE =
  "When the caller has what they wanted and says goodbye, say goodbye and call end_call.";
