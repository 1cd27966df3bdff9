import type { LanguageModels } from "@/api/llms";

export interface Answerer {
  /** "entry/model", or what stands in for one. */
  who: string;
  /** Why it is this one. */
  why: string;
  /** Nobody chose it for this name: the default stands in. */
  isStandIn: boolean;
}

/** Whether nothing thinks on this server but scripts. */
export const hasNoModel = ({ providers }: { providers: { kind: string }[] }) =>
  providers.every(({ kind }) => kind === "scripted");

/** "gpt-*" matches "gpt-4o". */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === "*") return ".*";
    return part === "?" ? "." : part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`).test(name);
}

/** Which model of the server answers for an agent's `llm`: as the server looks it up, names before patterns. */
export function answeredBy(llm: string, models: LanguageModels): Answerer {
  const named = (entry: string, model?: string | null) => {
    const provider = models.providers.find(({ name }) => name === entry);
    const detail = model ?? provider?.model;
    return detail ? `${entry}/${detail}` : entry;
  };
  const slash = llm.indexOf("/");
  const entry = slash < 0 ? llm : llm.slice(0, slash);
  if (models.providers.some(({ name }) => name === entry)) {
    const who = named(entry, slash < 0 ? null : llm.slice(slash + 1));
    return { who, why: "named by its entry in the settings", isStandIn: false };
  }
  const found =
    models.mapping.find(({ asked }) => asked === llm) ??
    models.mapping.find(({ asked }) => asked !== "*" && /[*?[]/.test(asked) && matches(asked, llm)) ??
    models.mapping.find(({ asked }) => asked === "*");
  if (found) {
    const who = found.model ? `${found.used}/${found.model}` : found.used;
    return { who, why: `mapped by “${found.asked}”`, isStandIn: Boolean(found.warning) };
  }
  const usual = models.providers.find(({ is_default }) => is_default);
  if (usual?.model === llm) return { who: named(usual.name), why: "the default model", isStandIn: false };
  return {
    who: usual ? named(usual.name) : models.default,
    why: "not mapped: the default answers",
    isStandIn: true,
  };
}
