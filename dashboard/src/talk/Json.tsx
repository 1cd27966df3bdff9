import classes from "./Talk.module.css";

/** Levels that are open at first. */
const OPEN = 3;

const LONG = 400;

/** Anything that JSON can say, with objects and lists that fold. */
export function Json({ value, level = 0 }: { value: unknown; level?: number }) {
  if (typeof value === "string" && value.length > LONG) {
    return (
      <details>
        <summary>
          “{value.slice(0, 80)}…” ({value.length.toLocaleString("en")} characters)
        </summary>
        <div>{value}</div>
      </details>
    );
  }
  if (typeof value !== "object" || value === null) return <span>{JSON.stringify(value) ?? "nothing"}</span>;
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const [left, right] = isList ? ["[", "]"] : ["{", "}"];
  if (!entries.length) return <span>{left + right}</span>;
  return (
    <details open={level < OPEN && entries.length <= 40}>
      <summary>
        {left} {entries.length} {right}
      </summary>
      {entries.map(([name, inner]) => (
        <div key={name}>
          <span className={classes.key}>{name}: </span>
          <Json value={inner} level={level + 1} />
        </div>
      ))}
    </details>
  );
}
