/**
 * Takes the microphone inside an audio worklet, changes its rate to the one asked for (`resampler.js` is loaded before)
 * and posts pieces of 100 ms as 16-bit samples, with how loud each is.
 */
class Microphone extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.piece = new Int16Array(rate / 10);
    this.filled = 0;
    this.power = 0;
    this.resampler = null;
    if (rate !== sampleRate) {
      globalThis.LibSampleRate.create(1, sampleRate, rate).then((made) => (this.resampler = made));
    }
    this.isPlain = rate === sampleRate;
  }

  process([[samples] = []]) {
    if (!samples || (!this.isPlain && !this.resampler)) return true;
    for (const sample of this.isPlain ? samples : this.resampler.full(samples)) {
      const kept = Math.max(-1, Math.min(1, sample));
      this.power += kept * kept;
      this.piece[this.filled++] = Math.round(kept * 32767);
      if (this.filled < this.piece.length) continue;
      const level = Math.sqrt(this.power / this.filled);
      this.port.postMessage({ pcm: this.piece.slice().buffer, level });
      this.filled = 0;
      this.power = 0;
    }
    return true;
  }
}

registerProcessor("parola-microphone", Microphone);
