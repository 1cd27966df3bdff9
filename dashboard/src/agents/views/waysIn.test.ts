import { expect, it } from "vitest";

import { waysIn } from "./waysIn";

const HERE = { url: "https://voice.example.com", agentId: "agent_1", isPrivate: false, isTextOnly: false };

const code = (where: typeof HERE, id: string) =>
  waysIn(where)
    .find((way) => way.id === id)
    ?.steps.map((step) => step.code)
    .join("\n") ?? "";

it("every way names this server and this agent", () => {
  for (const { id } of waysIn(HERE)) {
    expect(code(HERE, id)).toContain("voice.example.com");
    expect(code(HERE, id)).toContain("agent_1");
  }
  expect(code(HERE, "javascript")).toContain('origin: "wss://voice.example.com"');
});

it("a private agent is reached by a signed URL", () => {
  const secret = { ...HERE, isPrivate: true };
  expect(code(secret, "javascript")).toContain("get-signed-url");
  expect(code(secret, "python")).toContain("requires_auth=True");
  expect(code(HERE, "javascript")).not.toContain("get-signed-url");
});
