// Microphone to 20 ms blocks of 16-bit samples, at the rate that the server is told.
import { Resampler } from "./resampler.js";

class Capture extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.resampler = new Resampler(sampleRate, rate);
    this.block = new Int16Array(Math.round(rate / 50));
    this.at = 0;
    this.peak = 0;
  }

  process(inputs) {
    const channel = inputs[0][0];
    if (channel) this.resampler.push(channel, (value) => this.take(value));
    return true;
  }

  take(value) {
    const clipped = Math.max(-1, Math.min(1, value));
    this.peak = Math.max(this.peak, Math.abs(clipped));
    this.block[this.at++] = clipped * 32767;
    if (this.at === this.block.length) this.flush();
  }

  flush() {
    const samples = this.block.slice();
    this.port.postMessage({ samples: samples.buffer, peak: this.peak }, [samples.buffer]);
    this.at = 0;
    this.peak = 0;
  }
}
registerProcessor("parley-capture", Capture);
