import type { Measured } from "@/api/models";
import { span } from "@/parts/format";

export interface Speed {
  /** The figure that counts, as people say it. */
  headline: string;
  /** What it means in a call. */
  meaning: string;
  isFastEnough: boolean;
  /** Part of the time of the sound that the work takes, 0 to 1; null where there is no sound. */
  share: number | null;
}

/** What callers still take for a prompt answer, of one model alone. */
const FIRST_WORD_SECONDS = 1.5;
const READING_TOKENS_A_SECOND = 8;
const TEXTS_A_SECOND = 2;

/** 0.0158 -> "63 times faster than real time". */
export function againstRealTime(factor: number): string {
  if (factor > 0.95 && factor < 1.05) return "as fast as real time";
  const times = factor < 1 ? 1 / factor : factor;
  const shown = times < 10 ? times.toFixed(1).replace(/\.0$/, "") : Math.round(times).toLocaleString("en");
  return `${shown} times ${factor < 1 ? "faster" : "slower"} than real time`;
}

/** A measurement in words. */
export function tell(measured: Measured): Speed {
  const { kind, real_time_factor: factor, seconds } = measured;
  if ((kind === "text_to_speech" || kind === "speech_to_text") && factor) {
    const speaks = kind === "text_to_speech";
    const spoken = span(measured.audio_seconds);
    const meaning = speaks
      ? `The first sound of a reply comes ${span(measured.first_byte_seconds)} after its first sentence.`
      : `A sentence of ${spoken} was transcribed in ${span(seconds)}.`;
    return {
      headline: `${speaks ? "Speaks" : "Transcribes"} ${againstRealTime(factor)}`,
      meaning: factor < 1 ? meaning : `${meaning} Too slow for a call: callers would wait.`,
      isFastEnough: factor < 1,
      share: Math.min(1, factor),
    };
  }
  if (kind === "embeddings") {
    const rate = measured.texts_per_second ?? 0;
    return {
      headline: `Reads ${amount(rate)} passages a second`,
      meaning: `Each becomes ${measured.dimensions ?? "some"} numbers; a question is one passage.`,
      isFastEnough: rate >= TEXTS_A_SECOND,
      share: null,
    };
  }
  if (measured.provider === "scripted") {
    return {
      headline: "Answers at once",
      meaning: "It follows a script: there is no model to wait for.",
      isFastEnough: true,
      share: null,
    };
  }
  const first = measured.first_token_seconds ?? seconds;
  const rate = measured.tokens_per_second ?? 0;
  const isPrompt = first <= FIRST_WORD_SECONDS && rate >= READING_TOKENS_A_SECOND;
  return {
    headline: `Begins to answer after ${span(first)}`,
    meaning: `Then ${amount(rate)} tokens a second; people speak about 4.${
      isPrompt ? "" : " Callers would wait for it."
    }`,
    isFastEnough: isPrompt,
    share: null,
  };
}

const amount = (rate: number) => (rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString("en"));
