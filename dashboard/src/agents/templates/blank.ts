import { IconFileText } from "@tabler/icons-react";

import { type Template } from "./template";

/** An agent to be written. */
export const BLANK: Template[] = [
  {
    id: "blank",
    name: "Blank",
    about: "Every setting at its default. Write the prompt yourself.",
    icon: IconFileText,
    document: {
      name: "New agent",
      conversation_config: {
        agent: {
          first_message: "Hello, how can I help you?",
          language: "en",
          prompt: { prompt: "You are a friendly assistant. Answer in one or two short sentences." },
        },
      },
    },
  },
];
