import { expect, it } from "vitest";

import { sectionShowing } from "./sections";

it("a path is shown by the section that names the most of it", () => {
  expect(sectionShowing("conversation_config.turn.turn_timeout")).toBe("turn-taking");
  expect(sectionShowing("conversation_config.conversation.text_only")).toBe("basics");
  expect(sectionShowing("conversation_config.conversation.max_duration_seconds")).toBe("advanced");
  expect(sectionShowing("platform_settings.topic_discovery.enabled")).toBe("json");
  expect(sectionShowing("")).toBe("json");
});
