import { jsonLanguage } from "@codemirror/lang-json";
import type { SyntaxNode } from "@lezer/common";

export interface Place {
  from: number;
  to: number;
}

/**
 * Where in a JSON text something stands: the key of a property, an item of a list. Of a path that is not there, the
 * deepest part that is; of "" the beginning.
 */
export function placeOf(text: string, path: string): Place {
  let node: SyntaxNode | null = jsonLanguage.parser.parse(text).topNode.firstChild;
  let found: Place = { from: node?.from ?? 0, to: Math.min(text.length, (node?.from ?? 0) + 1) };
  for (const key of path ? path.split(".") : []) {
    const next: [SyntaxNode, SyntaxNode] | null = node && childOf(node, key, text);
    if (!next) break;
    found = { from: next[0].from, to: next[0].to };
    node = next[1];
  }
  return found;
}

/** What to underline for a key, and its value. */
function childOf(node: SyntaxNode, key: string, text: string): [SyntaxNode, SyntaxNode] | null {
  if (node.name === "Object") {
    for (const property of node.getChildren("Property")) {
      const [name, value] = [property.firstChild, property.lastChild];
      if (name && value && text.slice(name.from, name.to) === JSON.stringify(key)) return [name, value];
    }
  }
  if (node.name === "Array") {
    const items = [];
    for (let item = node.firstChild; item; item = item.nextSibling) {
      if (/^(Object|Array|String|Number|True|False|Null)$/.test(item.name)) items.push(item);
    }
    const item = items[Number(key)];
    if (item) return [item, item];
  }
  return null;
}
