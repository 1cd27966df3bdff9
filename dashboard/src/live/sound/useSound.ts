import { useCallback, useEffect, useRef, useState } from "react";

import { failed } from "@/parts/notices";
import { mayUseMicrophone, microphoneTrouble, NOT_SECURE } from "@/talk/microphone";

import { type Side, SoundLine } from "./SoundLine";

export interface Sound {
  /** The line while the call is heard. */
  line: SoundLine | null;
  isSpeaking: boolean;
  isMuted: boolean;
  volumes: Record<Side, number>;
  listen: () => void;
  /** Take the microphone along; false when there is none. */
  speak: (operator: string) => Promise<boolean>;
  mute: (isMuted: boolean) => void;
  setVolume: (side: Side, volume: number) => void;
  stop: () => void;
}

/** The sound of one call: nothing is heard before `listen` or `speak`. */
export function useSound(id: string): Sound {
  const [line, setLine] = useState<SoundLine | null>(null);
  const [isSpeaking, setSpeaking] = useState(false);
  const [isMuted, setMuted] = useState(false);
  const [volumes, setVolumes] = useState<Record<Side, number>>({ user: 1, agent: 1 });
  const current = useRef<SoundLine | null>(null);

  const stop = useCallback(() => {
    current.current?.close();
    current.current = null;
    setLine(null);
    setSpeaking(false);
    setMuted(false);
  }, []);
  useEffect(() => stop, [stop, id]);

  const open = useCallback(
    (role: "observer" | "operator", operator: string, levels: Record<Side, number>) => {
      stop();
      const opened = new SoundLine(id, role, operator, {
        over: (reason) => {
          if (current.current !== opened) return;
          stop();
          if (reason) failed(reason, "The sound of the call does not come through");
        },
        refused: (message) => failed(message, "The caller does not hear you"),
      });
      opened.setVolume("user", levels.user);
      opened.setVolume("agent", levels.agent);
      current.current = opened;
      setLine(opened);
      return opened;
    },
    [id, stop],
  );

  return {
    line,
    isSpeaking,
    isMuted,
    volumes,
    stop,
    listen: () => void open("observer", "", volumes),
    speak: async (operator) => {
      if (!mayUseMicrophone()) {
        failed(NOT_SECURE.text, NOT_SECURE.title);
        return false;
      }
      const opened = open("operator", operator, volumes);
      try {
        await opened.speak();
      } catch (error) {
        const trouble = microphoneTrouble(error);
        failed(trouble?.text ?? error, trouble?.title ?? "The microphone does not work");
        if (current.current === opened) stop();
        return false;
      }
      if (current.current !== opened) return false;
      setSpeaking(true);
      return true;
    },
    mute: (value) => {
      if (current.current) current.current.isMuted = value;
      setMuted(value);
    },
    setVolume: (side, volume) => {
      current.current?.setVolume(side, volume);
      setVolumes((now) => ({ ...now, [side]: volume }));
    },
  };
}
