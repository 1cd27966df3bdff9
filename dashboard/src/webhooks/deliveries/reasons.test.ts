import { describe, expect, it } from "vitest";

import type { Delivery } from "@/api/webhooks";

import { deliveryWords, reasonWords } from "./reasons";
import { soon } from "./soon";

const delivery = (some: Partial<Delivery>): Delivery => ({
  delivery_id: "whd_1",
  event_id: "evt_1",
  type: "post_call_transcription",
  webhook_id: "webhook_1",
  status: "delivered",
  reason: "ok",
  conversation_id: "conv_1",
  agent_id: "agent_1",
  created_at_unix_secs: 0,
  next_attempt_at_unix_secs: null,
  ended_at_unix_secs: null,
  attempt_count: 1,
  last_status_code: 200,
  ...some,
});

describe("why a webhook is where it is", () => {
  it("tells what an endpoint answered, and what to do", () => {
    expect(reasonWords("http_503")).toEqual({ text: "The endpoint answered 503." });
    expect(reasonWords("http_302").text).toContain("redirects are not followed");
    expect(reasonWords("http_401").advice).toContain("secret");
  });

  it("tells whether it is tried again", () => {
    const told = (some: Partial<Delivery>) => deliveryWords(delivery(some)).text;
    expect(told({ attempt_count: 3 })).toBe("It arrived at attempt 3.");
    expect(told({ status: "waiting", reason: "http_500" })).toBe(
      "The endpoint answered 500. It is tried again.",
    );
    expect(told({ status: "dead", reason: "http_404" })).toBe(
      "The endpoint answered 404. That is not tried again.",
    );
    expect(told({ status: "skipped", reason: "not_configured", attempt_count: 0 })).toContain("No endpoint");
  });

  it("does not hide a reason it does not know", () => {
    expect(reasonWords("moon_is_full").text).toBe("moon is full.");
  });
});

it("tells when the next attempt is", () => {
  expect([soon(5, 10), soon(22, 10), soon(310, 10)]).toEqual(["now", "in 12 s", "in 5 minutes"]);
});
