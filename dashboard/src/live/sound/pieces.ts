/** Pieces of sound, as they go over a socket and as they are played. */

/** What waits before a side begins to be played, so that late pieces leave no gap. */
export const START_SECONDS = 0.12;

/** When a piece is played: after the one before, or, when that is over already, a little from now. */
export const startOf = (nextAt: number, now: number) => (nextAt > now ? nextAt : now + START_SECONDS);

/** 16-bit samples in base64, as numbers from -1 to 1. */
export function fromBase64(text: string): Float32Array<ArrayBuffer> {
  const bytes = atob(text);
  const samples = new Float32Array(bytes.length >> 1);
  for (let index = 0; index < samples.length; index++) {
    const value = bytes.charCodeAt(2 * index) | (bytes.charCodeAt(2 * index + 1) << 8);
    samples[index] = (value > 32767 ? value - 65536 : value) / 32768;
  }
  return samples;
}

export function toBase64(buffer: ArrayBuffer): string {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let from = 0; from < bytes.length; from += 4096) {
    text += String.fromCharCode(...bytes.subarray(from, from + 4096));
  }
  return btoa(text);
}
