import { PREFIX } from "@/api/client";

/** The client's own worklets come from its code. */
const FOREIGN = /^https?:\/\//;

const RESAMPLER = `${PREFIX}/dashboard/resampler.js`;

/**
 * Where a browser cannot open audio at the rate of the call (Firefox, iOS), the client loads a resampler from a
 * foreign host, for playback even when it is told another place. Nothing foreign is loaded here: whatever worklet is
 * asked for from another host is our own resampler.
 */
export function keepWorkletsAtHome(): void {
  const worklet = globalThis.AudioWorklet?.prototype;
  if (!worklet || Object.hasOwn(worklet, "isAtHome")) return;
  const addModule = worklet.addModule;
  worklet.addModule = function (this: AudioWorklet, url, options) {
    const address = String(url);
    const isForeign = FOREIGN.test(address) && new URL(address).origin !== location.origin;
    return addModule.call(this, isForeign ? RESAMPLER : address, options);
  };
  Object.defineProperty(worklet, "isAtHome", { value: true });
}
