import { useCallback, useEffect, useRef, useState } from "react";

import { confirm, done, failed } from "@/parts/notices";

import type { Sound } from "../sound/useSound";
import { type CallLink, Refusal } from "./CallLink";
import { setOperator } from "./operator";

export interface Controls {
  /** Have a command done; what the server refuses is said. Whether it was done. */
  give: (type: string, parameters?: Record<string, unknown>, told?: string) => Promise<boolean>;
  /** Agree to a call of a tool that waits for that, or refuse it; the client may be faster. */
  approve: (callId: string, isApproved: boolean) => void;
  takeOver: (by: "text" | "voice") => void;
  handBack: () => void;
  /** The name is asked for: what is done once it is given waits. */
  isAsking: boolean;
  named: (name: string) => void;
  dismiss: () => void;
}

type Act = (link: CallLink) => void;

const isLeft = (error: unknown) => error instanceof Refusal && error.code === "left";

/** What an operator does in a call. Nobody acts without a name: it is asked for before the first deed. */
export function useControls(link: CallLink | null, operator: string, sound: Sound): Controls {
  const [isAsking, setAsking] = useState(false);
  const waiting = useRef<{ deed: Act; drop?: () => void } | null>(null);

  const act = useCallback(
    (deed: Act, drop?: () => void) => {
      if (link && operator) return deed(link);
      waiting.current = { deed, drop };
      if (!operator) setAsking(true);
    },
    [link, operator],
  );
  useEffect(() => {
    if (!link?.operator || !waiting.current) return;
    const { deed } = waiting.current;
    waiting.current = null;
    deed(link);
  }, [link]);

  const give: Controls["give"] = (type, parameters, told) =>
    new Promise((resolve) =>
      act(
        (on) => {
          on.command(type, parameters).then(
            () => {
              if (told) done(told);
              resolve(true);
            },
            (error: unknown) => {
              if (!isLeft(error)) failed(error);
              resolve(false);
            },
          );
        },
        () => resolve(false),
      ),
    );

  const approve: Controls["approve"] = (callId, isApproved) =>
    act((on) => on.say({ type: "mcp_tool_approval_result", tool_call_id: callId, is_approved: isApproved }));

  const speakOn = (on: CallLink, by: "text" | "voice") => {
    if (by === "voice") void sound.speak(on.operator);
  };
  const takeOver: Controls["takeOver"] = (by) =>
    act((on) => {
      on.command("enable_human_takeover").then(
        () => speakOn(on, by),
        (error: unknown) => {
          if (!(error instanceof Refusal) || error.code !== "taken_over") {
            if (!isLeft(error)) failed(error);
            return;
          }
          const holder = on.snapshot().feed.holder || "Somebody else";
          confirm(
            `${holder} has this conversation`,
            `Take it away from ${holder}? They cannot speak any more then. The audit log says who did it.`,
            "Take it away",
            () => {
              on.command("disable_human_takeover", { force: true })
                .then(() => on.command("enable_human_takeover"))
                .then(
                  () => speakOn(on, by),
                  (refusal: unknown) => failed(refusal),
                );
            },
          );
        },
      );
    });
  const handBack = () => {
    if (sound.isSpeaking) sound.listen();
    void give("disable_human_takeover");
  };

  return {
    give,
    approve,
    takeOver,
    handBack,
    isAsking,
    named: (name) => {
      setAsking(false);
      setOperator(name);
    },
    dismiss: () => {
      setAsking(false);
      waiting.current?.drop?.();
      waiting.current = null;
    },
  };
}
