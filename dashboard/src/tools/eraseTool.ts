import type { Dependent } from "@/api/tools";
import { confirm, done, failed } from "@/parts/notices";

/** Ask whether a tool is to go, with who would miss it. */
export function eraseTool(
  name: string,
  agents: Dependent[],
  remove: () => Promise<unknown>,
  then?: () => void,
) {
  const users = agents.map((agent) => agent.name).join(", ");
  confirm(
    `Delete ${name}?`,
    agents.length ? `${users} will go on without it.` : "No agent uses it.",
    "Delete",
    () =>
      void remove().then(
        () => {
          done("The tool is deleted.");
          then?.();
        },
        (error: unknown) => failed(error, "The tool stays"),
      ),
  );
}
