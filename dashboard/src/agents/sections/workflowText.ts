/** A workflow as a list that can be read: its nodes in the order in which they are reached, each with its ways out. */

import type { Json, JsonObject } from "@/api/agents";

import { isObject } from "../editor/document";

export interface WayOut {
  id: string;
  /** When it is taken, in words. */
  when: string;
  to: string;
  /** It is the way back of an edge that comes in. */
  isBack: boolean;
}

export interface Step {
  id: string;
  type: string;
  label: string;
  /** What happens there. */
  about: string;
  ways: WayOut[];
  /** No way leads here. */
  isLost: boolean;
}

const text = (value: Json | undefined) => (typeof value === "string" ? value : "");

const TYPES: Record<string, string> = {
  start: "Start",
  override_agent: "Subagent",
  say: "Say",
  tool: "Tools",
  update_state: "Set variables",
  standalone_agent: "Another agent",
  phone_number: "Telephone",
  end: "End",
};

function about(node: JsonObject): string {
  switch (node.type) {
    case "override_agent":
      return text(node.additional_prompt);
    case "say":
      return isObject(node.message) ? text(node.message.text) || text(node.message.prompt) : "";
    case "tool":
      return Array.isArray(node.tools)
        ? node.tools.map((tool) => (isObject(tool) ? text(tool.tool_id) : "")).join(", ")
        : "";
    case "update_state":
      return Array.isArray(node.updates)
        ? node.updates.map((update) => (isObject(update) ? text(update.variable_name) : "")).join(", ")
        : "";
    case "standalone_agent":
      return text(node.agent_id);
    case "end":
      return text(node.outcome);
    default:
      return "";
  }
}

function when(condition: Json | undefined): string {
  if (!isObject(condition)) return "always";
  switch (condition.type) {
    case "llm":
      return text(condition.condition);
    case "expression":
      return text(condition.label) || "an expression is true";
    case "result":
      return condition.successful ? "it succeeded" : "it failed";
    default:
      return text(condition.label) || "always";
  }
}

/** The steps of a workflow, from its start on; what cannot be reached comes last. */
export function stepsOf(workflow: JsonObject): Step[] {
  const nodes = isObject(workflow.nodes) ? workflow.nodes : {};
  const edges = Object.entries(isObject(workflow.edges) ? workflow.edges : {}).filter(
    (entry): entry is [string, JsonObject] => isObject(entry[1]),
  );
  const label = (id: string) => {
    const node = nodes[id];
    return isObject(node) ? text(node.label) || (TYPES[text(node.type)] ?? id) : `${id} (missing)`;
  };
  const waysOf = (id: string): WayOut[] => {
    const node = nodes[id];
    const order = isObject(node) && Array.isArray(node.edge_order) ? node.edge_order : [];
    const rank = (edge: string) => (order.includes(edge) ? order.indexOf(edge) : order.length);
    const out = edges
      .filter(([, edge]) => edge.source === id && (edge.forward_condition || !edge.backward_condition))
      .map(([edgeId, edge]) => ({
        id: edgeId,
        when: when(edge.forward_condition),
        to: text(edge.target),
        isBack: false,
      }));
    const back = edges
      .filter(([, edge]) => edge.target === id && isObject(edge.backward_condition))
      .map(([edgeId, edge]) => ({
        id: edgeId,
        when: when(edge.backward_condition),
        to: text(edge.source),
        isBack: true,
      }));
    return [...out, ...back].sort((one, other) => rank(one.id) - rank(other.id));
  };
  const starts = Object.keys(nodes).filter((id) => isObject(nodes[id]) && nodes[id].type === "start");
  const reached = new Set(starts);
  for (const id of reached) for (const way of waysOf(id)) if (way.to in nodes) reached.add(way.to);
  const lost = Object.keys(nodes).filter((id) => !reached.has(id));
  return [...reached, ...lost].map((id) => {
    const node = isObject(nodes[id]) ? nodes[id] : {};
    return {
      id,
      type: TYPES[text(node.type)] ?? text(node.type),
      label: label(id),
      about: about(node),
      ways: waysOf(id).map((way) => ({ ...way, to: label(way.to) })),
      isLost: !reached.has(id),
    };
  });
}
