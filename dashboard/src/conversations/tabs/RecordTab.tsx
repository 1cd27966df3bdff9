import type { ConversationRecord } from "@/api/conversations";

import type { JsonValue } from "./json";
import { JsonView } from "./JsonView";

/** The record as the API gives it. */
export default function RecordTab({ record }: { record: ConversationRecord }) {
  return <JsonView value={record as unknown as JsonValue} />;
}
