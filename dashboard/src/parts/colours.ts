/** One colour for one thing, on every page: who speaks, and which step of a turn takes the time. Mantine colour names. */
export const SPEAKERS = { user: "teal", agent: "ink", tool: "orange", operator: "grape" } as const;

export const STEPS = {
  end_of_turn: "yellow",
  speech_to_text: "cyan",
  language_model: "violet",
  text_to_speech: "pink",
  tool: "orange",
} as const;

/** A CSS colour of a Mantine colour name that is right for a mark or a bar in both schemes. */
export const filled = (name: string) => `var(--mantine-color-${name}-filled)`;

/** The same as words: dark enough on light, light enough on dark. */
export const readable = (name: string) =>
  `light-dark(var(--mantine-color-${name}-9), var(--mantine-color-${name}-3))`;
