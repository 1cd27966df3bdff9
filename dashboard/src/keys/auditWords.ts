/** Operations whose names say too little of themselves. */
const KNOWN: Record<string, string> = {
  rest: "Asked for a route that is not there",
  secret_used: "Used a secret",
  monitor: "Watched a conversation",
  attach: "Joined a conversation",
  command: "Acted in a conversation",
  master_key_rotate: "Rotated the master key",
  master_key_finish_rotation: "Finished rotating the master key",
  x_models_measure: "Measured a model",
  x_conversations_export: "Exported conversations",
  conversations_get_signed_url: "Made a signed URL",
  x_webhooks_rotate_secret: "Rotated a webhook's secret",
  x_webhook_deliveries_replay: "Sent a webhook again",
  live_takeover_begin: "Took a conversation over",
  live_takeover_end: "Gave a conversation back",
  live_end: "Ended a conversation",
  live_messages_create: "Wrote into a conversation",
};

const VERBS: Record<string, string> = {
  create: "Created",
  create_from_rules: "Created",
  create_from_file: "Created",
  update: "Changed",
  delete: "Deleted",
  rotate: "Rotated",
  enable: "Switched on",
  restore: "Restored",
  duplicate: "Copied",
  test: "Tested",
  measure: "Measured",
  invoke: "Ran",
  begin: "Began",
  end: "Ended",
  replay: "Replayed",
  run: "Ran",
};

const THINGS: Record<string, string> = {
  agents: "an agent",
  api_keys: "an API key",
  members: "a member",
  secrets: "a secret",
  tools: "a tool",
  webhooks: "a webhook",
  signed_urls: "a signed URL",
  settings: "the settings",
  conversations: "a conversation",
  auth_connections: "an auth connection",
  pronunciation_dictionaries: "a dictionary",
  mcp_servers: "an MCP server",
};

/** "x_api_keys_create" -> "Created an API key"; what has no words here keeps its name, without underscores. */
export function inWords(action: string): string {
  const known = KNOWN[action];
  if (known) return known;
  const bare = action.replace(/^x_/, "");
  for (const [thing, words] of Object.entries(THINGS)) {
    const verb = bare.startsWith(`${thing}_`) && VERBS[bare.slice(thing.length + 1)];
    if (verb) return `${verb} ${words}`;
  }
  const text = bare.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What is looked for most; an action that was seen is offered too. */
export const COMMON = [
  ...["agents", "tools", "secrets", "webhooks"].flatMap((thing) =>
    ["create", "update", "delete"].map((verb) => `${thing}_${verb}`),
  ),
  "conversations_delete",
  "settings_update",
  "x_api_keys_create",
  "x_api_keys_update",
  "x_api_keys_rotate",
  "x_api_keys_delete",
  "x_members_create",
  "x_signed_urls_create",
  "x_conversations_export",
  "secret_used",
  "monitor",
  "attach",
  "command",
];

/** The beginning and the end of days (as "2026-11-21") in seconds since 1970. */
export const startOfDay = (day: string) => (day ? new Date(`${day}T00:00:00`).getTime() / 1000 : null);
export const endOfDay = (day: string) => (day ? new Date(`${day}T23:59:59.999`).getTime() / 1000 : null);
