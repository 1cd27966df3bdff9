import { Link, useLocation } from "react-router";

import classes from "./SubNav.module.css";

interface Props {
  /** What these pages are of, for who does not see them. */
  label: string;
  places: { to: string; label: string }[];
}

/** The pages of an area, as links in a row under its title. */
export function SubNav({ label, places }: Props) {
  const { pathname } = useLocation();
  const here = pathname.replace(/\/$/, "");
  return (
    <nav aria-label={label}>
      <ul className={classes.list}>
        {places.map((place) => (
          <li key={place.to}>
            <Link
              to={place.to}
              className={classes.link}
              aria-current={here === place.to ? "page" : undefined}
            >
              {place.label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
