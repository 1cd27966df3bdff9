/** What each setting of turn-taking does, as bars on a time axis. The numbers are those of docs/turn-taking.md. */

export type Lane = "user" | "agent";

export interface Bar {
  id: string;
  lane: Lane;
  from: number;
  to: number;
  /** `speech` is heard; `thinking` is not; `lost` would have been said; `filler` is said while the model is slow. */
  look: "speech" | "thinking" | "lost" | "filler";
  text?: string;
}

/** A stretch of time that has a name, drawn between the lanes. */
export interface Stretch {
  id: string;
  from: number;
  to: number;
  text: string;
}

export interface Mark {
  id: string;
  at: number;
  text: string;
  isEnd?: boolean;
}

export interface Scene {
  from: number;
  to: number;
  bars: Bar[];
  stretches: Stretch[];
  marks: Mark[];
  /** The same in a sentence. */
  told: string;
}

export type Eagerness = "eager" | "normal" | "patient";
export type Verdict = "finished" | "silence" | "unsure" | "unfinished" | "spelling";

/** Seconds of silence before the agent answers. */
export const PATIENCE: Record<Eagerness, Record<Verdict, number>> = {
  eager: { finished: 0.3, silence: 0.35, unsure: 0.45, unfinished: 0.9, spelling: 1.2 },
  normal: { finished: 0.45, silence: 0.5, unsure: 0.8, unfinished: 1.1, spelling: 1.6 },
  patient: { finished: 0.7, silence: 0.9, unsure: 1.0, unfinished: 1.2, spelling: 2.4 },
};

/** How each verdict sounds: what the user has just said. */
export const HEARD: Record<Verdict, { label: string; words: string }> = {
  finished: { label: "A finished sentence", words: "Are you open today?" },
  silence: { label: "Nothing to tell", words: "A table for four" },
  unfinished: { label: "It breaks off", words: "I would like the" },
  spelling: { label: "A number", words: "My number is 0 4 1" },
  unsure: { label: "Contradictory", words: "That would be all?" },
};

const s = (seconds: number) => `${Number(seconds.toFixed(2))} s`;

/** About how long the model takes to begin, in these pictures. */
const MODEL_SECONDS = 0.5;

export function answering(
  eagerness: Eagerness,
  heard: Verdict,
  { speculates, spellsPatiently }: { speculates: boolean; spellsPatiently: boolean },
): Scene {
  const verdict = heard === "spelling" && !spellsPatiently ? "silence" : heard;
  const wait = PATIENCE[eagerness][verdict];
  const isEarly = speculates && verdict !== "unfinished" && verdict !== "spelling";
  const asked = isEarly ? Math.min(0.25, wait) : wait;
  const spoken = Math.max(wait, asked + MODEL_SECONDS);
  return {
    from: -1.6,
    to: 4,
    bars: [
      { id: "user", lane: "user", from: -1.5, to: 0, look: "speech", text: HEARD[heard].words },
      { id: "model", lane: "agent", from: asked, to: spoken, look: "thinking", text: "model" },
      { id: "agent", lane: "agent", from: spoken, to: 3.9, look: "speech", text: "answer" },
    ],
    stretches: [{ id: "wait", from: 0, to: wait, text: s(wait) }],
    marks: [{ id: "closed", at: wait, text: "the turn is over" }],
    told:
      `After ${s(wait)} of silence the turn is over. ` +
      (isEarly
        ? `The model was asked ${s(wait - asked)} before; what it wrote is thrown away if the user speaks on.`
        : "Then the model is asked."),
  };
}

export interface Interruptions {
  minSpeech: number;
  minWords: number;
  /** "mhm" does not interrupt. */
  ignoresHums: boolean;
  resumes: boolean;
}

const HUM = { from: 1, to: 1.35 };
const BID = { from: 3.2, to: 4.6 };
const FALSE_ALARM_SECONDS = 0.8;
const SECONDS_A_WORD = 0.28;
const LOOK_SECONDS = 0.25;

export function interrupting({ minSpeech, minWords, ignoresHums, resumes }: Interruptions): Scene {
  const asksForWords = ignoresHums || minWords > 0;
  const words = Math.max(minWords, 1) * SECONDS_A_WORD;
  const known = Math.min(1, Math.ceil(words / LOOK_SECONDS) * LOOK_SECONDS);
  const takes = asksForWords ? known : minSpeech;
  const isHumEnough = !asksForWords && HUM.to - HUM.from >= minSpeech;
  const stopped = BID.from + takes;
  const paused = HUM.from + minSpeech;
  const resumed = HUM.to + FALSE_ALARM_SECONDS;
  const bars: Bar[] = [
    { id: "hum", lane: "user", ...HUM, look: "speech", text: "mhm" },
    { id: "bid", lane: "user", ...BID, look: "speech", text: "Wait, I meant…" },
  ];
  if (!isHumEnough) {
    bars.push({
      id: "first",
      lane: "agent",
      from: 0,
      to: stopped,
      look: "speech",
      text: "The menu today is…",
    });
  } else {
    bars.push({ id: "first", lane: "agent", from: 0, to: paused, look: "speech", text: "The menu" });
    if (resumes)
      bars.push({
        id: "second",
        lane: "agent",
        from: resumed,
        to: stopped,
        look: "speech",
        text: "…goes on",
      });
  }
  const isCut = !isHumEnough || resumes;
  bars.push({
    id: "lost",
    lane: "agent",
    from: isCut ? stopped : paused,
    to: 6,
    look: "lost",
    text: "not said",
  });
  const hum = !isHumEnough
    ? "“mhm” does not stop the agent."
    : resumes
      ? "“mhm” stops the agent, which then goes on where it was."
      : "“mhm” stops the agent, and it waits.";
  return {
    from: 0,
    to: 6,
    bars,
    stretches: isCut ? [{ id: "takes", from: BID.from, to: stopped, text: s(takes) }] : [],
    marks: isCut ? [{ id: "cut", at: stopped, text: "interrupted" }] : [],
    told: `${hum} ${
      asksForWords
        ? `It stops when ${minWords > 1 ? `${minWords} words are` : "a word is"} known, or after a second of speech.`
        : `It stops after ${s(minSpeech)} of speech.`
    }`,
  };
}

const NEVER = (seconds: number) => seconds < 0;

export function nobodySpeaks(turnTimeout: number, endTimeout: number): Scene {
  const marks: Mark[] = [];
  const bars: Bar[] = [{ id: "asked", lane: "agent", from: -2.5, to: 0, look: "speech", text: "Which day?" }];
  const ends = !NEVER(endTimeout);
  const again = !NEVER(turnTimeout) && (!ends || turnTimeout < endTimeout);
  const last = Math.max(again ? turnTimeout + 3 : 6, ends ? endTimeout : 0);
  const width = last * 1.14 + 2;
  if (again) {
    const until = Math.min(turnTimeout + width * 0.22, ends ? endTimeout : Infinity);
    bars.push({
      id: "again",
      lane: "agent",
      from: turnTimeout,
      to: until,
      look: "speech",
      text: "Still there?",
    });
  }
  if (ends) marks.push({ id: "end", at: endTimeout, text: "the call ends", isEnd: true });
  const first = again ? turnTimeout : ends ? endTimeout : last;
  return {
    from: -0.14 * width,
    to: width,
    bars: bars.map((bar) => (bar.id === "asked" ? { ...bar, from: -0.14 * width } : bar)),
    stretches: [
      {
        id: "silence",
        from: 0,
        to: first,
        text: again || ends ? `${s(first)} of silence` : "silence for ever",
      },
    ],
    marks,
    told:
      (again
        ? `After ${s(turnTimeout)} of silence the agent speaks again. `
        : "The agent never speaks unasked. ") +
      (ends
        ? `After ${s(endTimeout)} without a word of the user the call ends.`
        : "Silence alone never ends the call."),
  };
}

export function slowModel(timeout: number, most: number, message: string): Scene {
  const answer = Math.max(6, NEVER(timeout) ? 0 : timeout * Math.min(most, 2) + 3);
  const bars: Bar[] = [
    { id: "user", lane: "user", from: -1.5, to: 0, look: "speech", text: "Is it there yet?" },
    { id: "model", lane: "agent", from: 0.45, to: answer, look: "thinking", text: "the model is slow" },
    { id: "answer", lane: "agent", from: answer, to: answer + 2, look: "speech", text: "answer" },
  ];
  const stretches: Stretch[] = [];
  if (!NEVER(timeout)) {
    for (let index = 0; index < most; index += 1) {
      const from = 0.45 + timeout * (index + 1) + index * 0.9;
      if (from + 0.9 > answer) break;
      bars.push({
        id: `filler${index}`,
        lane: "agent",
        from,
        to: from + 0.9,
        look: "filler",
        text: index ? "" : message,
      });
    }
    stretches.push({ id: "timeout", from: 0.45, to: 0.45 + timeout, text: s(timeout) });
  }
  return {
    from: -1.6,
    to: answer + 2.2,
    bars,
    stretches,
    marks: [],
    told: NEVER(timeout)
      ? "While the model is slow the user hears nothing."
      : `When the model has said nothing for ${s(timeout)}, the agent says a filler; at most ${most} before one answer.`,
  };
}
