/**
 * Changes the sample rate inside an audio worklet, for browsers that cannot open audio at the rate of a call. The
 * conversation client looks for a global of this name: `LibSampleRate.create(channels, from, to)` gives an object whose
 * `full(samples)` gives the samples at the other rate. Each object is one stream: it remembers where the last piece
 * ended, so that pieces join without clicks. Windowed sinc, 16 taps to each side.
 */
const TAPS = 16;

/** How finely the sinc is written down, for each sample of distance. */
const FINENESS = 256;

class Resampler {
  constructor(from, to) {
    this.step = from / to;
    // Above this share of the old band there is nothing in the new one.
    this.cutoff = Math.min(1, to / from) * 0.94;
    this.reach = Math.ceil(TAPS / this.cutoff);
    this.weights = Float32Array.from({ length: this.reach * FINENESS + 1 }, (_, index) =>
      this.weight(index / FINENESS),
    );
    this.past = new Float32Array(2 * this.reach);
    this.position = this.reach;
  }

  weight(distance) {
    const window = Math.cos((Math.PI * distance) / (2 * this.reach)) ** 2;
    const angle = Math.PI * distance * this.cutoff;
    return window * this.cutoff * (angle === 0 ? 1 : Math.sin(angle) / angle);
  }

  full(samples) {
    const all = new Float32Array(this.past.length + samples.length);
    all.set(this.past);
    all.set(samples, this.past.length);
    const last = all.length - this.reach;
    const made = [];
    for (; this.position < last; this.position += this.step) {
      const middle = Math.floor(this.position);
      let sum = 0;
      for (let near = middle - this.reach + 1; near <= middle + this.reach; near++) {
        sum += all[near] * this.weights[Math.round(Math.abs(near - this.position) * FINENESS)];
      }
      made.push(sum);
    }
    const kept = 2 * this.reach;
    this.past = all.slice(all.length - kept);
    this.position -= all.length - kept;
    return Float32Array.from(made);
  }
}

globalThis.LibSampleRate = {
  create: (_channels, from, to) => Promise.resolve(new Resampler(from, to)),
};
