/** What a key may be allowed to do, in the groups and the words of the page. */
export interface Scope {
  value: string;
  label: string;
  text: string;
}

export const GROUPS: { name: string; scopes: Scope[] }[] = [
  {
    name: "Agents",
    scopes: [
      { value: "agents:read", label: "See agents", text: "Agents, tools, documents, models and voices." },
      { value: "agents:write", label: "Change agents", text: "Agents, tools and documents." },
    ],
  },
  {
    name: "Conversations",
    scopes: [
      {
        value: "conversations:start",
        label: "Start conversations",
        text: "Make signed URLs, and talk to private agents.",
      },
      {
        value: "conversations:read",
        label: "Read records",
        text: "Transcripts, recordings and what happened so far.",
      },
      { value: "conversations:write", label: "Change records", text: "Change and delete records." },
      { value: "monitor", label: "Watch live calls", text: "See and hear a conversation while it runs." },
      { value: "inject", label: "Act in live calls", text: "Speak into a call, take it over, end it." },
    ],
  },
  {
    name: "Server",
    scopes: [
      { value: "webhooks:read", label: "See webhooks", text: "Webhooks and their deliveries." },
      { value: "webhooks", label: "Change webhooks", text: "See and change webhooks and their deliveries." },
      {
        value: "secrets",
        label: "Secrets",
        text: "Keep, replace and delete secrets and auth connections. No value is ever shown.",
      },
      {
        value: "keys",
        label: "API keys",
        text: "Make, rotate and delete keys that may do no more than this one.",
      },
      { value: "audit", label: "Audit log", text: "Read who did what." },
      { value: "admin", label: "Administer", text: "Everything, members and settings too." },
    ],
  },
];

const LABELS = new Map(GROUPS.flatMap((group) => group.scopes).map((scope) => [scope.value, scope.label]));

/** What keys are usually for. */
export const PRESETS = [
  { value: "everything", label: "Everything", text: "For you, and for this page.", scopes: null },
  {
    value: "app",
    label: "An app that calls",
    text: "For a backend that lets its visitors talk to agents.",
    scopes: ["conversations:start"],
  },
  {
    value: "reader",
    label: "Reading only",
    text: "For reports: agents, records and recordings.",
    scopes: ["agents:read", "conversations:read"],
  },
  {
    value: "operator",
    label: "Operators",
    text: "For people who watch calls and take them over.",
    scopes: ["agents:read", "conversations:read", "monitor", "inject"],
  },
] as const;

export const CUSTOM = "custom";

const sameSet = (some: readonly string[], others: readonly string[]) =>
  some.length === others.length && some.every((one) => others.includes(one));

/** The preset that these scopes are. */
export function presetOf(scopes: readonly string[] | null): string {
  const found = PRESETS.find((preset) =>
    preset.scopes === null || scopes === null ? preset.scopes === scopes : sameSet(preset.scopes, scopes),
  );
  return found?.value ?? CUSTOM;
}

/** A key's rights in a few words: the first ones by name, and how many more there are. */
export function inWords(scopes: readonly string[] | null, most = 3): { shown: string[]; more: string[] } {
  if (scopes === null || scopes.includes("admin")) return { shown: ["Everything"], more: [] };
  if (!scopes.length) return { shown: ["Nothing"], more: [] };
  const names = scopes.map((scope) => LABELS.get(scope) ?? scope);
  // A single one behind "1 more" takes no more room than its name.
  const cut = names.length > most + 1 ? most : names.length;
  return { shown: names.slice(0, cut), more: names.slice(cut) };
}

/** What the keys of a member may do at most. */
export const ROLES = [
  { value: "admin", label: "Admin", text: "Everything." },
  { value: "editor", label: "Editor", text: "Everything but keys, members and the audit log." },
  { value: "viewer", label: "Viewer", text: "Sees agents, and reads records." },
] as const;
