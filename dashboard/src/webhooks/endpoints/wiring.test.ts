import { describe, expect, it } from "vitest";

import type { WebhookSettings } from "@/api/webhooks";

import { telling, told } from "./wiring";

const EMPTY: WebhookSettings = { post_call_webhook_id: null, events: null };
const TWO: WebhookSettings = {
  post_call_webhook_id: "a",
  events: ["transcript", "audio"],
  x_endpoints: [{ webhook_id: "b", events: null, exclude_transcript: true }],
};

describe("what endpoints are told", () => {
  it("is read from both places", () => {
    expect(told(TWO, "a")).toEqual(["transcript", "audio"]);
    expect(told(TWO, "b")).toEqual(["transcript"]);
    expect(told(TWO, "c")).toEqual([]);
  });

  it("begins with the first endpoint and goes on beside it", () => {
    expect(telling(EMPTY, "a", ["audio"])).toEqual({ post_call_webhook_id: "a", events: ["audio"] });
    expect(telling(TWO, "c", ["audio"])).toEqual({
      x_endpoints: [...(TWO.x_endpoints ?? []), { webhook_id: "c", events: ["audio"] }],
    });
  });

  it("keeps what else is said of an endpoint, and the other endpoints", () => {
    expect(telling(TWO, "b", ["audio"])).toEqual({
      x_endpoints: [{ webhook_id: "b", events: ["audio"], exclude_transcript: true }],
    });
    expect(telling(TWO, "a", ["transcript"])).toEqual({ events: ["transcript"] });
  });

  it("ends", () => {
    expect(telling(TWO, "a", [])).toEqual({ post_call_webhook_id: null });
    expect(telling(TWO, "b", [])).toEqual({ x_endpoints: [] });
  });
});
