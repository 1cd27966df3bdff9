import type { ReactNode } from "react";
import { Link } from "react-router";

import { SECRETS } from "@/api/choices";

import { PickOne } from "./PickOne";

interface Props {
  label: ReactNode;
  /** Of a secret. */
  value: unknown;
  onChange: (id: string | null) => void;
  /** What the button says that takes it away. */
  clear: string;
}

/** The secret that is sent as a bearer token, if one is. */
export function BearerToken({ label, value, onChange, clear }: Props) {
  return (
    <PickOne
      label={label}
      description={
        <>
          One of your <Link to="/secrets">secrets</Link>; sent as a bearer token.
        </>
      }
      placeholder="None"
      none="There are no secrets yet"
      from={SECRETS}
      value={typeof value === "string" ? value : null}
      onChange={onChange}
      clearable
      clearButtonProps={{ "aria-label": clear }}
      maw={420}
    />
  );
}
