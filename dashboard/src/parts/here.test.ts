// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";

import { forThisServer, inItsFolder } from "./here";

describe("commands for this server", () => {
  it("have its address where the command line would not find it", () => {
    expect(forThisServer("parola chat", "http://127.0.0.1:8400")).toBe("parola chat");
    expect(forThisServer("parola chat", "http://localhost:8400")).toBe("parola chat");
    expect(forThisServer("parola chat", "http://127.0.0.1:8474")).toBe(
      "parola chat --url http://127.0.0.1:8474",
    );
    expect(forThisServer("parola why", "https://example.com/voice")).toBe(
      "parola why --url https://example.com/voice",
    );
  });

  it("have its folder where that is not the usual one", () => {
    expect(inItsFolder("parola keys create a", "/home/me/.local/share/parola")).toBe("parola keys create a");
    expect(inItsFolder("parola keys create a", null)).toBe("parola keys create a");
    expect(inItsFolder("parola keys create a", "/srv/my voice")).toBe(
      "parola keys create a --data '/srv/my voice'",
    );
  });
});
