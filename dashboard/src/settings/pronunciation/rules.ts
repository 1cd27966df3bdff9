import type { Rule } from "@/api/dictionaries";

/** How a rule says its word, as one chooses it: another word, or sounds in an alphabet. */
export const WAYS = [
  { value: "alias", label: "is read as" },
  { value: "ipa", label: "sounds, IPA" },
  { value: "cmu-arpabet", label: "sounds, ARPAbet" },
];

export const wayOf = (rule: Rule) => (rule.type === "alias" ? "alias" : rule.alphabet);

export const spokenOf = (rule: Rule) => (rule.type === "alias" ? rule.alias : rule.phoneme);

/** The rule said in another way, or with other words; what else it has stays. */
export function said(rule: Rule, way: string, spoken: string): Rule {
  const { string_to_replace, case_sensitive, word_boundaries } = rule;
  const kept = {
    string_to_replace,
    ...(case_sensitive !== undefined && { case_sensitive }),
    ...(word_boundaries !== undefined && { word_boundaries }),
  };
  return way === "alias"
    ? { ...kept, type: "alias", alias: spoken }
    : { ...kept, type: "phoneme", phoneme: spoken, alphabet: way };
}

/** Whether nothing is written in it yet. */
export const isBlank = (rule: Rule) => !rule.string_to_replace.trim() && !spokenOf(rule).trim();

/** Why the rules cannot be saved; null: they can. */
export function problem(rules: Rule[]): string | null {
  const written = rules.map((rule) => rule.string_to_replace.trim());
  if (written.some((word) => !word)) return "Every rule needs the word that it is for.";
  const silent = rules.find((rule) => !spokenOf(rule).trim());
  if (silent) return `“${silent.string_to_replace}” needs what is said in its place.`;
  const twice = written.find((word, index) => written.indexOf(word) !== index);
  return twice ? `“${twice}” has two rules: the second would never be used.` : null;
}
