import { describe, expect, it } from "vitest";

import { cut, pretty } from "./cut";

describe("what was cut off", () => {
  it("is what comes after what was heard", () => {
    expect(cut("soup, fish", "soup, fish, bread")).toEqual({ heard: "soup, fish", rest: ", bread" });
    expect(cut("one two", "one  two three")).toEqual({ heard: "one  two", rest: " three" });
    expect(cut("", "all of it")).toEqual({ heard: "", rest: "all of it" });
  });

  it("is not guessed when the words are others", () => {
    expect(cut("something else", "soup, fish")).toEqual({ heard: "something else", rest: "" });
  });

  it("is read as JSON where it is", () => {
    expect([pretty('{"a":1}'), pretty("plain"), pretty(null)]).toEqual(['{\n  "a": 1\n}', "plain", ""]);
  });
});
