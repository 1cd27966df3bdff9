import { IconBuildingStore, IconCalendarEvent, IconDeviceLaptop, IconLifebuoy } from "@tabler/icons-react";

import { END_CALL, GOODBYE, SPOKEN, type Template } from "./template";

/** Agents that answer customers and colleagues. */
export const SERVICE: Template[] = [
  {
    id: "front-desk",
    name: "Front desk",
    about: "Answers a restaurant's telephone: opening hours, directions, reservations.",
    icon: IconBuildingStore,
    document: {
      name: "Front desk",
      tags: ["reservations"],
      conversation_config: {
        agent: {
          first_message: "{{restaurant}}, good day. How can I help you?",
          language: "en",
          dynamic_variables: { dynamic_variable_placeholders: { restaurant: "Trattoria Bella" } },
          prompt: {
            prompt: `You answer the telephone of {{restaurant}}.

# How you speak
${SPOKEN}

# What you know
- Open from Tuesday to Sunday, from noon to ten in the evening; closed on Mondays.
- Twelve Market Street, next to the theatre. Parking is behind the building.
- There are vegetarian dishes, and the kitchen knows about allergies.
What is not written here you do not know. Say so, and offer to have somebody call back.

# Reservations
Find out, one after the other: the number of guests, the day, the time, and a name. Only take days and times at which
the restaurant is open. Repeat everything once and ask whether it is right. Groups of more than ten need the manager:
take a name and a telephone number.

${GOODBYE}`,
            built_in_tools: { end_call: END_CALL },
          },
        },
        turn: { turn_timeout: 8, merge_with_default_ignore_terms: true },
      },
      platform_settings: {
        evaluation: {
          criteria: [
            {
              id: "reservation_complete",
              name: "Reservation complete",
              conversation_goal_prompt:
                "If the caller wanted a table, the agent found out guests, day, time and name, and repeated them.",
            },
          ],
        },
        data_collection: {
          guests: { type: "integer", description: "How many people come" },
          day_and_time: { type: "string", description: "When they come, as the caller said it" },
          guest_name: { type: "string", description: "The name the table is reserved for" },
        },
      },
    },
  },
  {
    id: "support",
    name: "Customer support",
    about: "Answers questions from your documents, and admits what they do not say.",
    icon: IconLifebuoy,
    document: {
      name: "Customer support",
      tags: ["support"],
      conversation_config: {
        agent: {
          first_message: "Hello, this is the support of {{company}}. What can I do for you?",
          language: "en",
          dynamic_variables: { dynamic_variable_placeholders: { company: "our shop" } },
          prompt: {
            prompt: `You are the customer support of {{company}}.

# How you speak
${SPOKEN}

# How you help
First understand the problem: ask what happened and what the caller has tried. Then answer from the reference material
alone. Give one step, wait until the caller has done it, and go on with the next.

If the material does not have the answer, say "I do not know that" and offer to pass the question on. Never guess at
prices, deadlines or promises. Never ask for passwords or card numbers.

${GOODBYE}`,
            knowledge_base: [],
            rag: { enabled: true, max_retrieved_rag_chunks_count: 6 },
            built_in_tools: { end_call: END_CALL },
          },
        },
        conversation: { source_attribution: true },
      },
      platform_settings: {
        evaluation: {
          criteria: [
            {
              id: "solved",
              name: "Solved",
              conversation_goal_prompt: "The caller's question was answered, or they said that it is solved.",
            },
            {
              id: "no_guessing",
              name: "No guessing",
              conversation_goal_prompt: "The agent claimed nothing that its documents do not say.",
              use_knowledge_base: true,
            },
          ],
        },
        data_collection: {
          topic: { type: "string", description: "What the caller asked about, in two or three words" },
        },
      },
    },
  },
  {
    id: "booking",
    name: "Appointment booking",
    about: "Looks up free times and books one, by two webhooks of your system.",
    icon: IconCalendarEvent,
    document: {
      name: "Appointment booking",
      tags: ["appointments"],
      conversation_config: {
        agent: {
          first_message: "Hello, this is the practice of Doctor Lane. Would you like an appointment?",
          language: "en",
          prompt: {
            prompt: `You book appointments for the practice of Doctor Lane.

# How you speak
${SPOKEN}

# How you book
1. Ask what the appointment is for, and on which day it should be.
2. Call find_free_times with that day. Offer at most three times. When none suits, ask for another day.
3. Ask for the name and the date of birth.
4. Repeat day, time and name. When the caller agrees, call book_appointment.
5. Tell them the confirmation number, slowly.

When a tool fails, say that the calendar does not answer just now, and take a telephone number for a call back. Give no
medical advice. In an emergency tell the caller to hang up and dial the emergency number.

${GOODBYE}`,
            built_in_tools: { end_call: END_CALL },
            tools: [
              {
                type: "webhook",
                name: "find_free_times",
                description: "Free times on one day.",
                response_timeout_secs: 10,
                pre_tool_speech: "force",
                api_schema: {
                  url: "https://calendar.example.com/free",
                  method: "GET",
                  query_params_schema: {
                    properties: { day: { type: "string", description: "The day, as YYYY-MM-DD" } },
                    required: ["day"],
                  },
                },
              },
              {
                type: "webhook",
                name: "book_appointment",
                description: "Book a free time. Only after the caller has agreed.",
                response_timeout_secs: 15,
                pre_tool_speech: "force",
                interruption_mode: "disable_during_tool",
                api_schema: {
                  url: "https://calendar.example.com/appointments",
                  method: "POST",
                  request_body_schema: {
                    type: "object",
                    description: "The appointment",
                    required: ["day", "time", "name"],
                    properties: {
                      day: { type: "string", description: "The day, as YYYY-MM-DD" },
                      time: { type: "string", description: "The time, as HH:MM" },
                      name: { type: "string", description: "The patient's full name" },
                      date_of_birth: { type: "string", description: "As YYYY-MM-DD" },
                      reason: { type: "string", description: "What it is for, in a few words" },
                    },
                  },
                },
                assignments: [{ dynamic_variable: "confirmation", value_path: "number" }],
              },
            ],
          },
        },
        turn: { spelling_patience: "auto", turn_eagerness: "patient" },
      },
      platform_settings: {
        evaluation: {
          criteria: [
            {
              id: "booked",
              name: "Booked",
              conversation_goal_prompt:
                "An appointment was booked, and the caller knows day, time and number.",
            },
          ],
        },
      },
    },
  },
  {
    id: "help-desk",
    name: "IT help desk",
    about: "Solves the usual problems, and brings a person into the call for the others.",
    icon: IconDeviceLaptop,
    document: {
      name: "IT help desk",
      tags: ["support", "internal"],
      conversation_config: {
        agent: {
          first_message: "IT help desk, hello. What does not work?",
          language: "en",
          prompt: {
            prompt: `You are the first to answer at the IT help desk of a company.

# How you speak
${SPOKEN}

# How you help
Ask for the name, the device and what happens exactly. Then try the obvious, one step at a time:
- No network: is the cable in, is Wi-Fi on, do other devices work? Restart the device.
- Cannot sign in: is Caps Lock on, when was the password changed last? Never ask for a password.
- Printer: is it on, does it have paper, is another one chosen?
- Slow: how many programs are open, when was the last restart?

# When you bring in a person
Call x_transfer_to_human when two steps did not help, when data was lost, when anything looks like an attack, when the
caller is upset, or when they ask for a person. Give the name, the device and what was tried as the reason.

${GOODBYE}`,
            built_in_tools: {
              end_call: END_CALL,
              x_transfer_to_human: {
                name: "x_transfer_to_human",
                description: "",
                params: {
                  system_tool_type: "x_transfer_to_human",
                  wait_timeout_secs: 120,
                  waiting_message: "A colleague will be with you in a moment.",
                  waiting_message_interval_secs: 30,
                  agent_while_waiting: "answers",
                },
              },
            },
          },
        },
      },
      platform_settings: {
        data_collection: {
          device: { type: "string", description: "The device that the problem is with" },
          solved: { type: "boolean", description: "Whether the problem was solved in the call" },
        },
      },
    },
  },
];
