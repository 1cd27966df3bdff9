/** The languages that agents name, with their English names. */

const CODES = (
  "en de fr es it pt pt-br nl pl sv da no fi cs sk hu ro bg hr sl el tr uk ru et lv lt ga mt is ca " +
  "ja zh ko hi id ms vi th ta te bn ur ar he fa fil sw af"
).split(" ");

const names = new Intl.DisplayNames(["en"], { type: "language" });

export function languageName(code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

export const LANGUAGES = CODES.map((value) => ({ value, label: `${languageName(value)} (${value})` })).sort(
  (one, other) => one.label.localeCompare(other.label),
);
