import { useConversationControls, useConversationFeedback, useConversationInput } from "@elevenlabs/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { signedUrl } from "@/api/talk";
import { PREFIX } from "@/api/client";

import { type Ending, endingOf, refusalOf } from "./ending";
import { FrameLog } from "./FrameLog";
import { isFields } from "./frames";
import { type MicrophoneTrouble, mayUseMicrophone, microphoneTrouble, NOT_SECURE } from "./microphone";
import { keepWorkletsAtHome } from "./ownOrigin";
import { type Answer, runScript } from "./scripts";
import { sessionOptions, type Setup } from "./setup";
import { type Tap, tap } from "./tap";
import { type Call, NO_CALL, step } from "./transcript";

export type Phase = "idle" | "starting" | "running" | "ended";
export type CallKind = "voice" | "chat";

export interface CallState {
  phase: Phase;
  kind: CallKind;
  call: Call;
  log: FrameLog;
  /** When it began, by the clock of `performance`. */
  startedAt: number | null;
  endedAt: number | null;
  ending: Ending | null;
  closeCode: number | null;
  trouble: MicrophoneTrouble | null;
  start: (kind: CallKind) => void;
  end: () => void;
  answerTool: (callId: string, answer: Answer) => void;
  approveTool: (callId: string, isApproved: boolean) => void;
  /** Who answers calls of this client tool. */
  answering: (tool: string) => "hand" | "script";
  rate: (eventId: number, score: "like" | "dislike" | null) => void;
}

interface Progress {
  phase: Phase;
  kind: CallKind;
  startedAt: number | null;
  endedAt: number | null;
  ending: Ending | null;
  closeCode: number | null;
  trouble: MicrophoneTrouble | null;
}

const AT_REST: Progress = {
  phase: "idle",
  kind: "voice",
  startedAt: null,
  endedAt: null,
  ending: null,
  closeCode: null,
  trouble: null,
};

/** One call after the other with an agent: the official client does the talking, this keeps what happened. */
export function useCall(
  agentId: string,
  setup: Setup,
  microphone: string | null,
  abandon: () => void,
): CallState {
  const controls = useConversationControls();
  const { setMuted } = useConversationInput();
  const { sendFeedback } = useConversationFeedback();
  const [log] = useState(() => new FrameLog());
  const [call, setCall] = useState<Call>(NO_CALL);
  const [progress, setProgress] = useState<Progress>(AT_REST);
  const wire = useRef<Tap | null>(null);
  const isHere = useRef(true);
  const phase = useRef<Phase>("idle");
  const wanted = useRef({ setup, microphone });
  useEffect(() => {
    wanted.current = { setup, microphone };
  }, [setup, microphone]);

  const update = useCallback((change: Partial<Progress>) => {
    if (change.phase) phase.current = change.phase;
    setProgress((now) => ({ ...now, ...change }));
  }, []);

  const answerTool = useCallback((callId: string, { result, isError }: Answer) => {
    wire.current?.send({ type: "client_tool_result", tool_call_id: callId, result, is_error: isError });
  }, []);

  // The client is not told of any tool: this page answers their calls, by hand or by a script, with their own ids.
  const called = useCallback(
    (event: { tool_name: string; tool_call_id: string; parameters: unknown; expects_response?: boolean }) => {
      const answering = wanted.current.setup.tools[event.tool_name];
      if (answering?.mode !== "script") return;
      void runScript(answering.code, event.parameters).then((answer) =>
        answerTool(event.tool_call_id, answer),
      );
    },
    [answerTool],
  );

  useEffect(
    () =>
      log.listen((frame) => {
        if (frame.type === "user_audio_chunk") return;
        setCall((now) => step(now, frame));
        if (frame.type === "close" && isFields(frame.message)) {
          const { code } = frame.message;
          if (typeof code === "number") setProgress((now) => ({ ...now, closeCode: code }));
        }
      }),
    [log],
  );

  const fail = useCallback(
    (error: unknown, message: string) => {
      wire.current?.remove();
      const trouble = microphoneTrouble(error);
      const told = error instanceof Error ? error : { message };
      update({
        phase: trouble ? "idle" : "ended",
        trouble,
        ending: trouble ? null : refusalOf(told),
        startedAt: null,
      });
    },
    [update],
  );

  const start = useCallback(
    (kind: CallKind) => {
      if (phase.current === "starting" || phase.current === "running") return;
      if (kind === "voice" && !mayUseMicrophone()) {
        update({ ...AT_REST, kind, trouble: NOT_SECURE });
        return;
      }
      log.begin();
      setCall(NO_CALL);
      update({ ...AT_REST, kind, phase: "starting" });
      keepWorkletsAtHome();
      const { setup: terms, microphone: device } = wanted.current;
      void signedUrl(agentId, terms.environment).then(
        (url) => {
          // Who has cancelled or left meanwhile is not called.
          if (!isHere.current || phase.current !== "starting") return;
          wire.current = tap(url, log);
          controls.startSession({
            signedUrl: url,
            connectionType: "websocket",
            ...sessionOptions(terms, kind === "chat"),
            ...(device && { inputDeviceId: device }),
            libsampleratePath: `${PREFIX}/dashboard/resampler.js`,
            onUnhandledClientToolCall: called,
            onConnect: () => update({ phase: "running", startedAt: performance.now() }),
            onDisconnect: (details) =>
              update({ phase: "ended", endedAt: performance.now(), ending: endingOf(details) }),
            onError: (message: string, error?: unknown) => {
              // While a call runs, what goes wrong is among its frames.
              if (phase.current === "starting") fail(error, message);
            },
          });
        },
        (error: unknown) => fail(error, error instanceof Error ? error.message : String(error)),
      );
    },
    [agentId, called, controls, fail, log, update],
  );

  const end = useCallback(() => {
    // The client does not tell of a call that is given up before it began: then all of it is made anew.
    if (phase.current === "starting") abandon();
    else controls.endSession();
  }, [abandon, controls]);

  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
      wire.current?.remove();
    };
  }, []);

  const approveTool = controls.sendMCPToolApprovalResult;
  const rate = useCallback(
    (eventId: number, score: "like" | "dislike" | null) =>
      sendFeedback(score === null ? null : score === "like", eventId),
    [sendFeedback],
  );

  const answering = useCallback((tool: string) => setup.tools[tool]?.mode ?? "hand", [setup.tools]);

  // A muted microphone does not stay muted in the next call.
  useEffect(() => {
    if (progress.phase === "running" && progress.kind === "voice") setMuted(false);
  }, [progress.phase, progress.kind, setMuted]);

  return useMemo(
    () => ({ ...progress, call, log, start, end, answerTool, approveTool, answering, rate }),
    [progress, call, log, start, end, answerTool, approveTool, answering, rate],
  );
}
