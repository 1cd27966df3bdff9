import { Badge, Select } from "@mantine/core";
import { Link, useSearchParams } from "react-router";

import { useDraft } from "./draft";
import classes from "./Editor.module.css";
import { SECTIONS, sectionOf, sectionShowing } from "./sections";

/** What is to be told beside a section: how many findings there are in it, whether it has unsaved changes. */
function useMarks() {
  const { findings, changed } = useDraft();
  const serious = findings.filter(({ level }) => level !== "note");
  const changedSections = new Set(changed.map((path) => sectionShowing(path.join("."))));
  return (id: string) => {
    const here = id === "json" ? serious : serious.filter((finding) => sectionShowing(finding.path) === id);
    return {
      count: here.length,
      hasErrors: here.some(({ level }) => level === "error"),
      isChanged: id === "changes" ? changed.length > 0 : changedSections.has(id),
    };
  };
}

/** The side index of the editor. The section is in the address, so that it can be linked to. */
export function SectionIndex() {
  const [given] = useSearchParams();
  const open = sectionOf(given.get("section"));
  const marksOf = useMarks();
  return (
    <nav className={classes.index} aria-label="Sections of the agent">
      {SECTIONS.map(({ group, sections }) => (
        <div key={group}>
          <div className={classes.indexGroup}>{group}</div>
          {sections.map(({ id, label, icon: Symbol }) => {
            const marks = marksOf(id);
            return (
              <Link
                key={id}
                to={{ search: `?section=${id}` }}
                className={classes.entry}
                aria-current={open?.id === id ? "true" : undefined}
              >
                <Symbol size={17} stroke={1.7} aria-hidden />
                {label}
                <span className={classes.entryEnd}>
                  {marks.isChanged && <span className={classes.changed} role="img" aria-label="not saved" />}
                  {marks.count > 0 && (
                    <Badge
                      size="sm"
                      circle
                      variant="light"
                      color={marks.hasErrors ? "red" : "orange"}
                      role="img"
                      aria-label={`${marks.count} found by the check`}
                    >
                      {marks.count}
                    </Badge>
                  )}
                </span>
              </Link>
            );
          })}
        </div>
      ))}
    </nav>
  );
}

/** The same as a list to choose from, where there is no room for an index. */
export function SectionJump() {
  const [given, setGiven] = useSearchParams();
  const marksOf = useMarks();
  return (
    <Select
      className={classes.jump}
      aria-label="Section"
      data={SECTIONS.map(({ group, sections }) => ({
        group,
        items: sections.map(({ id, label }) => {
          const { count, isChanged } = marksOf(id);
          return { value: id, label: label + (isChanged ? " •" : "") + (count ? ` (${count})` : "") };
        }),
      }))}
      value={sectionOf(given.get("section"))?.id ?? null}
      onChange={(id) => id && setGiven({ section: id })}
      allowDeselect={false}
      maxDropdownHeight={420}
    />
  );
}
