import { useEffect, useState } from "react";

/** What is wrong with the microphone and what to do about it. */
export interface MicrophoneTrouble {
  title: string;
  text: string;
}

/** Whether this page could have a microphone at all: browsers give it to https and to the own machine only. */
export const mayUseMicrophone = () => typeof navigator.mediaDevices?.getUserMedia === "function";

export const NOT_SECURE: MicrophoneTrouble = {
  title: "This page cannot use the microphone",
  text: "Browsers give it only to pages on https:// or on localhost. Open the dashboard that way, for example through an SSH tunnel: ssh -L 8400:127.0.0.1:8400 your-server.",
};

const TROUBLES: Record<string, MicrophoneTrouble> = {
  NotAllowedError: {
    title: "The microphone is not allowed",
    text: "Allow it for this page: click the symbol to the left of the address, set the microphone to “Allow”, then call again. If the browser does not ask at all, look in the privacy settings of your system.",
  },
  NotFoundError: {
    title: "No microphone was found",
    text: "Connect one, or switch it on in the sound settings of your system, then call again.",
  },
  NotReadableError: {
    title: "The microphone is in use",
    text: "Another program holds it, or the system does not give it. Close the other program, then call again.",
  },
  OverconstrainedError: {
    title: "That microphone is not there any more",
    text: "Choose another one, then call again.",
  },
};

/** What to tell the user when `error` is about the microphone; null when it is not. */
export function microphoneTrouble(error: unknown): MicrophoneTrouble | null {
  const name = error instanceof DOMException || error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return TROUBLES.NotAllowedError ?? null;
  return TROUBLES[name] ?? null;
}

export interface Device {
  id: string;
  label: string;
}

/** The microphones of this machine, as far as the browser tells before it has been allowed to use one. */
export function useMicrophones(isAllowed: boolean): Device[] {
  const [devices, setDevices] = useState<Device[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media?.enumerateDevices) return;
    let isHere = true;
    const look = async () => {
      const found = await media.enumerateDevices();
      if (!isHere) return;
      setDevices(
        found
          .filter((one) => one.kind === "audioinput" && one.deviceId && one.label)
          .map((one) => ({ id: one.deviceId, label: one.label })),
      );
    };
    void look();
    media.addEventListener("devicechange", look);
    return () => {
      isHere = false;
      media.removeEventListener("devicechange", look);
    };
  }, [isAllowed]);
  return devices;
}
