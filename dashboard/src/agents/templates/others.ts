import { IconClipboardList, IconLanguage, IconMessage } from "@tabler/icons-react";

import { END_CALL, GOODBYE, SPOKEN, type Template } from "./template";

/** Agents that ask, teach, and chat. */
export const OTHERS: Template[] = [
  {
    id: "survey",
    name: "Survey",
    about: "Asks a few questions and keeps the answers as values: for surveys and for qualifying leads.",
    icon: IconClipboardList,
    document: {
      name: "Survey",
      tags: ["survey"],
      conversation_config: {
        agent: {
          first_message:
            "Hello {{name}}, thank you for your time. I have four short questions about your last order. Shall we begin?",
          language: "en",
          dynamic_variables: { dynamic_variable_placeholders: { name: "there" } },
          prompt: {
            prompt: `You ask customers about their last order.

# How you speak
${SPOKEN}

# The questions, in this order
1. How satisfied were you, from one to ten?
2. What did you like best?
3. What should be better?
4. Would you order from us again?

Thank for each answer without judging it. Ask once for more when an answer is very short. Skip a question that was
answered already, or that the caller does not want to answer. Do not defend the company, and do not sell anything.

If the caller has no time, ask whether you may call another time, and end the call. ${GOODBYE}`,
            built_in_tools: { end_call: END_CALL },
          },
        },
        conversation: { max_duration_seconds: 300 },
      },
      platform_settings: {
        evaluation: {
          criteria: [
            {
              id: "all_asked",
              name: "All questions asked",
              conversation_goal_prompt: "The agent asked all four questions, or the caller ended it before.",
            },
          ],
        },
        data_collection: {
          satisfaction: { type: "integer", description: "The number from one to ten" },
          liked: { type: "string", description: "What they liked best" },
          to_improve: { type: "string", description: "What should be better" },
          would_order_again: { type: "boolean", description: "Whether they would order again" },
        },
      },
    },
  },
  {
    id: "tutor",
    name: "Language tutor",
    about: "Practises conversation with a learner: patient, and slow to take the floor.",
    icon: IconLanguage,
    document: {
      name: "Language tutor",
      tags: ["teaching"],
      conversation_config: {
        agent: {
          first_message: "Hello {{learner}}. What did you do today?",
          language: "en",
          dynamic_variables: { dynamic_variable_placeholders: { learner: "there", level: "intermediate" } },
          prompt: {
            prompt: `You practise English conversation with {{learner}}, whose level is {{level}}.

Speak slowly, in short sentences, with words that fit the level. Ask open questions and let the learner talk most of the
time. Stay with a subject for a few turns before you change it.

When there is a mistake, first react to what was said, then say the sentence once as it should be, and go on. Correct
one mistake at a time, the one that matters most. Explain grammar only when the learner asks.

When the learner is stuck, offer two words to choose from. After about ten turns, say what went well and one thing to
practise. When they say goodbye, say goodbye and call end_call.`,
            temperature: 0.6,
            built_in_tools: { end_call: END_CALL },
          },
        },
        tts: { speed: 0.9 },
        turn: { turn_eagerness: "patient", turn_timeout: 15, merge_with_default_ignore_terms: true },
        conversation: { max_duration_seconds: 1200 },
      },
    },
  },
  {
    id: "chat",
    name: "Chat widget",
    about: "Typed conversations only, for the corner of a web page.",
    icon: IconMessage,
    document: {
      name: "Chat widget",
      tags: ["chat"],
      conversation_config: {
        agent: {
          first_message: "Hi, ask me anything about our products.",
          language: "en",
          prompt: {
            prompt: `You answer visitors of a web page, in writing.

Keep answers short: two or three sentences, a list when there are several things. Link to a page of the site when it
answers the question better. Ask back when a question can mean two things.

What you do not know you do not make up: say that you will pass the question on, and ask for an e-mail address.`,
            temperature: 0.3,
          },
        },
        conversation: {
          text_only: true,
          client_events: [
            "conversation_initiation_metadata",
            "agent_response",
            "agent_chat_response_part",
            "client_tool_call",
            "ping",
          ],
        },
      },
      platform_settings: {
        widget: {
          variant: "compact",
          placement: "bottom-right",
          text_contents: { main_label: "Questions?", input_placeholder: "Type your question" },
        },
        overrides: { conversation_config_override: { conversation: { text_only: true } } },
      },
    },
  },
];
