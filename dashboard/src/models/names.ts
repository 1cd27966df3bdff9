import type { Mapped, ServerModels } from "@/api/models";

export interface NameRow {
  kind: string;
  /** A name as agents have it, or a pattern. */
  asked: string;
  /** What answers to it, as people read it. */
  used: string;
  warning: string | null;
}

/** All that is mapped, of every kind. */
export function rows(models: ServerModels): NameRow[] {
  const of = (kind: string, mapping: Mapped[]) =>
    mapping.map((one) => ({ kind, asked: one.asked, used: usedBy(one), warning: one.warning }));
  return [
    ...of("Language model", models.language_models.mapping),
    ...of("Speech to text", models.speech_to_text.mapping),
    ...of("Text to speech", models.text_to_speech.mapping),
    ...of("Voice", models.text_to_speech.voice_mapping),
    ...of("Embeddings", models.embeddings.mapping),
  ];
}

function usedBy({ used, model, voice }: Mapped): string {
  if (voice) return `${voice} (${used})`;
  return model && !used.includes(model) ? `${used}: ${model}` : used;
}

/** The rows in which the words stand, and the patterns that fit a whole name. */
export function narrowed(all: NameRow[], search: string): NameRow[] {
  const words = search.trim().toLowerCase();
  if (!words) return all;
  return all.filter(
    (row) =>
      `${row.asked} ${row.used} ${row.kind}`.toLowerCase().includes(words) ||
      (row.asked.includes("*") && fits(row.asked.toLowerCase(), words)),
  );
}

function fits(pattern: string, name: string): boolean {
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${source}$`).test(name);
}
