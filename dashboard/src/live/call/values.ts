import type { Agent, Json } from "@/api/agents";
import { isFields } from "@/talk/frames";

/** What somebody typed as the value of a variable: a number, yes or no where it reads as such, else words. */
export function valueOf(text: string): string | number | boolean {
  const plain = text.trim();
  if (plain === "true" || plain === "false") return plain === "true";
  return /^-?(0|[1-9]\d{0,14})(\.\d+)?$/.test(plain) ? Number(plain) : text;
}

export interface Transfer {
  number: string;
  condition: string;
}

/** Where the agent's own tool `transfer_to_number` may lead. */
export function transfersOf(agent: Agent | undefined): Transfer[] {
  const section = agent?.conversation_config["agent"];
  const prompt = isFields(section) && isFields(section.prompt) ? section.prompt : {};
  const tools: unknown[] = [
    ...(isFields(prompt.built_in_tools) ? Object.values(prompt.built_in_tools) : []),
    ...(Array.isArray(prompt.tools) ? (prompt.tools as Json[]) : []),
  ];
  const found = new Map<string, Transfer>();
  for (const tool of tools) {
    const params = isFields(tool) && isFields(tool.params) ? tool.params : {};
    if (params.system_tool_type !== "transfer_to_number" || !Array.isArray(params.transfers)) continue;
    for (const transfer of params.transfers as unknown[]) {
      if (!isFields(transfer)) continue;
      const destination = isFields(transfer.transfer_destination) ? transfer.transfer_destination : transfer;
      const number = destination.phone_number ?? destination.sip_uri;
      if (typeof number !== "string" || !number) continue;
      const condition = typeof transfer.condition === "string" ? transfer.condition : "";
      found.set(number, { number, condition });
    }
  }
  return [...found.values()];
}
