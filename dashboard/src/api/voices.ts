import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";

import { api } from "./client";

export interface Voice {
  voice_id: string;
  name: string;
  description: string | null;
  labels: Record<string, string>;
}

/** Every voice of this server, those of the default provider first. */
export const useVoices = () =>
  useQuery({
    queryKey: ["/v1/voices"],
    queryFn: ({ signal }) => api.get<{ voices: Voice[] }>("/v1/voices", {}, signal),
    select: (answer) => answer.voices,
    staleTime: 60_000,
  });

/** Hear a voice say something; one at a time. */
export function usePreview(failed: (error: unknown) => void) {
  const [playing, setPlaying] = useState<string | null>(null);
  const current = useRef<{ sound: HTMLAudioElement; address: string } | null>(null);
  const asked = useRef(0);
  const stop = useCallback(() => {
    asked.current += 1;
    if (current.current) {
      current.current.sound.pause();
      URL.revokeObjectURL(current.current.address);
    }
    current.current = null;
    setPlaying(null);
  }, []);
  useEffect(() => stop, [stop]);
  const play = async (voiceId: string, text: string) => {
    stop();
    setPlaying(voiceId);
    const mine = asked.current;
    try {
      const spoken = await api.blob(`/v1/x/voices/${encodeURIComponent(voiceId)}/preview`, { text });
      if (mine !== asked.current) return; // stopped, or another was asked for meanwhile
      const address = URL.createObjectURL(spoken);
      const sound = new Audio(address);
      current.current = { sound, address };
      sound.onended = stop;
      await sound.play();
    } catch (error) {
      if (mine !== asked.current) return;
      stop();
      failed(error);
    }
  };
  return { playing, play, stop };
}
