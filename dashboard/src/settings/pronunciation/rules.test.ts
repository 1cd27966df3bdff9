import { expect, it } from "vitest";

import type { Rule } from "@/api/dictionaries";

import { problem, said } from "./rules";

const SQL: Rule = { type: "alias", string_to_replace: "SQL", alias: "sequel", case_sensitive: true };

it("turns a rule into sounds and keeps what else it has", () => {
  expect(said(SQL, "ipa", "ˈsiːkwəl")).toEqual({
    type: "phoneme",
    string_to_replace: "SQL",
    phoneme: "ˈsiːkwəl",
    alphabet: "ipa",
    case_sensitive: true,
  });
});

it("says what is missing", () => {
  expect(problem([SQL])).toBeNull();
  expect(problem([SQL, { ...SQL, string_to_replace: " " }])).toContain("needs the word");
  expect(problem([{ ...SQL, alias: "" }])).toContain("“SQL” needs");
  expect(problem([SQL, SQL])).toContain("two rules");
});
