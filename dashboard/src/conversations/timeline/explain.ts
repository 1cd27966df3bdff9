/** Why an answer came when it came, in sentences with the numbers of the record. */

import type { EndVerdict, Turn, TurnTimes } from "@/api/conversations";
import { span } from "@/parts/format";

import type { Answer, StepName } from "./answers";

export const STEP_LABELS: Record<StepName, string> = {
  end_of_turn: "End of turn",
  tools: "Tools",
  retrieval: "Documents",
  llm: "Model, first word",
  sentence: "Model, first sentence",
  tts: "Voice",
  send: "Sending",
};

const VERDICTS: Record<string, string> = {
  finished: "the turn is over",
  silence: "nothing to go by but the silence",
  unsure: "the evidence disagrees",
  unfinished: "more is coming",
  spelling: "something is being dictated",
};

const WORDINGS: Record<string, string> = {
  none: "words not known yet",
  plain: "nothing special in the words",
  open: "the words break off",
  closed: "the words are complete",
  spelling: "digits or letters",
};

/** The silence each verdict asks for when the agent is `eager`: docs/turn-taking.md. */
const EAGER: Record<string, number> = {
  finished: 0.3,
  silence: 0.35,
  unsure: 0.45,
  unfinished: 0.9,
  spelling: 1.2,
};

const NEGLIGIBLE = 0.02;

export const verdictWords = (verdict: string) => VERDICTS[verdict] ?? verdict.replaceAll("_", " ");
export const wordingWords = (wording: string) => WORDINGS[wording] ?? wording;

/** Why a turn of the user was over, as a clause. */
export function closedWords(because: string | undefined): string {
  switch (because) {
    case undefined:
      return "It is not known why the turn was over.";
    case "text":
      return "It was over at once: the user typed.";
    case "end_of_call":
      return "The call ended.";
    case "backchannel":
      return "It left the floor to the agent: it was taken for agreement, not for a turn.";
    default:
      return `It was over because of the verdict “${because}”: ${verdictWords(because)}.`;
  }
}

/** One weighing of the evidence, for those who want to know. */
export const verdictLine = (one: EndVerdict) =>
  [
    wordingWords(one.wording),
    one.turn_probability === null
      ? "the sound not judged yet"
      : `over by the sound with ${Math.round(one.turn_probability * 100)} %`,
  ].join(", ");

export interface StepTold {
  name: StepName;
  label: string;
  secs: number;
  from: number;
  /** 0 to 1. */
  share: number;
  text: string;
}

export interface Hint {
  text: string;
  /** A page of the dashboard where it is changed. */
  to?: string;
  where?: string;
}

export interface Explanation {
  total: number;
  /** What the number measures. */
  lead: string;
  /** The one thing that took most, as a sentence. */
  because: string;
  steps: StepTold[];
  hints: Hint[];
}

/** All of it, for one answer. `user` is the turn it answers. */
export function explain(answer: Answer, agent: Turn, user: Turn | null, agentId: string): Explanation {
  const times = agent.x_timeline ?? {};
  const asked = user?.x_timeline ?? null;
  const steps = answer.steps.map((step) => ({
    ...step,
    label: STEP_LABELS[step.name],
    share: answer.total ? step.secs / answer.total : 0,
    text: stepText(step.name, step.secs, times, asked, agent),
  }));
  const longest = steps.reduce<StepTold | null>(
    (most, step) => (most && most.secs >= step.secs ? most : step),
    null,
  );
  return {
    total: answer.total,
    lead:
      answer.asked === null
        ? "from when it was to be said to the first audio"
        : "from the last sound to the first audio",
    because:
      longest && longest.secs > NEGLIGIBLE
        ? `${Math.round(longest.share * 100)} % of it was ${REASONS[longest.name]}.`
        : "Nothing took time worth naming.",
    steps,
    hints: hints(answer, times, asked, agent, longest, agentId),
  };
}

const REASONS: Record<StepName, string> = {
  end_of_turn: "making sure that the user had finished",
  tools: "tools, and the model that asked for them",
  retrieval: "searching the documents",
  llm: "the model, until its first word",
  sentence: "the model, until its first sentence",
  tts: "the voice, until its first audio",
  send: "sending the audio",
};

function stepText(
  name: StepName,
  secs: number,
  times: TurnTimes,
  asked: TurnTimes | null,
  agent: Turn,
): string {
  const isNothing = secs < 0.001;
  switch (name) {
    case "end_of_turn":
      return endOfTurnText(secs, asked);
    case "tools":
      return isNothing
        ? "No tool was waited for."
        : "From the end of the turn until the model was asked with the results.";
    case "retrieval":
      return agent.rag_retrieval_info
        ? `${agent.rag_retrieval_info.chunks.length} pieces were found; the search itself took ${span(agent.rag_retrieval_info.rag_latency_secs)}.`
        : "The documents were searched.";
    case "llm": {
      const took = difference(times.asked_secs, times.first_token_secs);
      if (times.is_speculative && took !== null && secs < took - 0.001)
        return `Asked ahead of time: its ${span(took)} ${isNothing ? "cost nothing" : `cost only ${span(secs)}`}.`;
      return `${agent.producing_llm || "The model"} was asked, and gave its first word.${tokensText(agent)}`;
    }
    case "sentence":
      return isNothing
        ? "The first sentence was there already."
        : "Words were collected until there was a piece to say.";
    case "tts": {
      const took = difference(times.first_sentence_secs, times.tts_first_byte_secs);
      if (took !== null && secs < took - 0.001)
        return `The voice took ${span(took)} to its first audio; part of that lay before the end of the turn.`;
      return "The voice made the first audio of that piece.";
    }
    case "send":
      return isNothing ? "The audio left at once." : "From the voice to the socket.";
  }
}

function endOfTurnText(secs: number, asked: TurnTimes | null): string {
  if (!asked) return "There was no turn of the user to wait for.";
  const last = asked.verdicts?.at(-1);
  if (!last) return "The turn was over.";
  const wanted = `The verdict “${last.verdict}” (${verdictWords(last.verdict)}) asks for ${span(last.wait_secs)} of silence`;
  const words = difference(asked.speech_stopped_secs, asked.transcribed_secs);
  if (secs > last.wait_secs + NEGLIGIBLE) {
    return words !== null && words > last.wait_secs
      ? `${wanted}, but the words came only ${span(words)} after the last sound, and were waited for.`
      : `${wanted}; the rest is when the silence was noticed, or activity of the client.`;
  }
  return `${wanted}. The words were there after ${words === null ? "less" : span(words)}.`;
}

function tokensText(agent: Turn): string {
  const read = Object.values(agent.llm_usage?.model_usage ?? {}).reduce(
    (sum, usage) => sum + (usage.input?.tokens ?? 0),
    0,
  );
  return read ? ` It read ${read.toLocaleString("en")} tokens.` : "";
}

/** What would have made it quicker, the strongest first; only what the numbers bear out. */
function hints(
  answer: Answer,
  times: TurnTimes,
  asked: TurnTimes | null,
  agent: Turn,
  longest: StepTold | null,
  agentId: string,
): Hint[] {
  const found: (Hint & { saves: number })[] = [];
  const here = { to: `/agents/${agentId}`, where: "Agent" };
  const secs = (name: StepName) => answer.steps.find((step) => step.name === name)?.secs ?? 0;
  const last = asked?.verdicts?.at(-1);
  const late = difference(asked?.speech_stopped_secs, asked?.transcribed_secs);
  if (last && asked) {
    const eager = EAGER[last.verdict];
    if (last.verdict === "spelling" && last.wait_secs > 1)
      found.push({
        ...here,
        saves: last.wait_secs - 0.5,
        text: `Dictation is waited for. With \`spelling_patience\` “off” this turn would have been over up to ${span(last.wait_secs - 0.5)} earlier, at the risk of cutting numbers in two.`,
      });
    else if (eager !== undefined && last.wait_secs - Math.max(eager, late ?? 0) > 0.05)
      found.push({
        ...here,
        saves: last.wait_secs - Math.max(eager, late ?? 0),
        text: `With \`turn_eagerness\` “eager” this turn would have been over ${span(last.wait_secs - Math.max(eager, late ?? 0))} earlier.`,
      });
    if (late !== null && late > last.wait_secs + NEGLIGIBLE)
      found.push({
        to: "/models",
        where: "Models",
        saves: late - last.wait_secs,
        text: `Speech to text was the bottleneck: quicker words would have saved ${span(late - last.wait_secs)}.`,
      });
    const spare = difference(asked.transcribed_secs, asked.closed_secs) ?? 0;
    const ahead = Math.min(spare, secs("llm") + secs("sentence") + secs("tts"));
    if (
      !answer.isSpeculative &&
      !secs("tools") &&
      ahead > 0.03 &&
      !["unfinished", "spelling"].includes(last.verdict)
    )
      found.push({
        ...here,
        saves: ahead,
        text: `With \`speculative_turn\` the model would have been asked while the silence still ran: up to ${span(ahead)} less.`,
      });
  }
  if (longest?.name === "llm" && longest.secs > 0.3)
    found.push({
      to: "/models",
      where: "Models",
      saves: longest.secs / 2,
      text: `The model is what took longest${tokensText(agent) ? ", and reads its whole prompt each time" : ""}: measure others, or shorten the prompt.`,
    });
  if (longest?.name === "tts" && longest.secs > 0.25)
    found.push({
      to: "/models",
      where: "Models",
      saves: longest.secs / 2,
      text: `The voice took ${span(difference(times.first_sentence_secs, times.tts_first_byte_secs) ?? longest.secs)} to its first audio: measure it, or use a quicker one.`,
    });
  if (longest?.name === "tools")
    found.push({
      to: "/tools",
      where: "Tools",
      saves: longest.secs,
      text: "With `pre_tool_speech` “force” the agent says something before it waits for a tool.",
    });
  return found.sort((a, b) => b.saves - a.saves).map(({ text, to, where }) => ({ text, to, where }));
}

const difference = (from: number | undefined, to: number | undefined) =>
  from === undefined || to === undefined ? null : Math.max(0, to - from);
