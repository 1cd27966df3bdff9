import { type ReactNode, useEffect, useState } from "react";

interface Props {
  value: string;
  change: (value: string) => void;
  render: (value: string, set: (value: string) => void) => ReactNode;
}

/** A field whose value counts when nobody types any more. */
export function Later({ value, change, render }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  useEffect(() => {
    if (typed === null) return;
    const timer = setTimeout(() => {
      change(typed);
      setTyped(null);
    }, 300);
    return () => clearTimeout(timer);
  });
  return render(typed ?? value, setTyped);
}
