// Plays responses in order, pauses and flushes at once, and reports what was really played.
import { Resampler } from "./resampler.js";

const LEAST_VOICES_S = 0.06; // wait before they begin: networks are not even
const MOST_VOICES_S = 0.4;

class Playback extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.rate = rate; // of what comes
    this.resampler = new Resampler(rate, sampleRate);
    this.queue = []; // {response, samples, at}
    this.played = new Map(); // response -> samples played
    this.ended = new Set();
    this.voices = []; // what other people say: neither pauses nor waits for an answer
    this.voicesFlow = false;
    this.voicesResampler = new Resampler(rate, sampleRate);
    this.places = new Map(); // response -> from -1 (left) to 1 (right)
    this.paused = false;
    this.sinceReport = 0;
    this.peak = 0;
    this.port.onmessage = (event) => this.obey(event.data);
  }

  obey(order) {
    if (order.kind === "push") {
      if (!this.played.has(order.response)) this.played.set(order.response, 0);
      this.queue.push({ response: order.response, samples: this.converted(new Int16Array(order.samples)), at: 0 });
    } else if (order.kind === "voices") {
      for (const value of this.converted(new Int16Array(order.samples), this.voicesResampler)) this.voices.push(value);
      const most = sampleRate * MOST_VOICES_S;
      if (this.voices.length > most) this.voices.splice(0, this.voices.length - most);
    } else if (order.kind === "pause") {
      this.paused = true;
      this.report("paused", order.response);
    } else if (order.kind === "resume") {
      this.paused = false;
    } else if (order.kind === "flush") {
      this.queue = [];
      this.resampler = new Resampler(this.rate, sampleRate);
      this.paused = false;
      this.report("flushed", order.response);
    } else if (order.kind === "place") {
      this.places.set(order.response, order.at);
    } else if (order.kind === "end") {
      this.ended.add(order.response);
    }
  }

  converted(samples, resampler = this.resampler) {
    if (this.rate === sampleRate) return samples;
    const found = [];
    resampler.push(samples, (value) => found.push(value));
    return found;
  }

  report(kind, response) {
    const audio_ms = ((this.played.get(response) ?? 0) / sampleRate) * 1000;
    this.port.postMessage({ kind, response, audio_ms });
  }

  process(_inputs, outputs) {
    const [out, right] = outputs[0];
    let at = 0;
    while (!this.paused && at < out.length && this.queue.length) {
      const head = this.queue[0];
      const count = Math.min(out.length - at, head.samples.length - head.at);
      const place = this.places.get(head.response) ?? 0; // in the middle both sides have all of it
      for (let i = 0; i < count; i++) {
        const value = head.samples[head.at + i] / 32768;
        out[at + i] = value * Math.min(1, 1 - place);
        right[at + i] = value * Math.min(1, 1 + place);
        this.peak = Math.max(this.peak, Math.abs(value));
      }
      head.at += count;
      at += count;
      this.played.set(head.response, this.played.get(head.response) + count);
      if (head.at === head.samples.length) this.queue.shift();
    }
    this.addVoices(out, right);
    this.finishPlayed();
    this.sinceReport += out.length;
    if (this.sinceReport >= sampleRate / 12) {
      this.sinceReport = 0;
      const current = this.queue[0]?.response ?? null;
      if (current !== null && !this.paused) this.report("position", current);
      this.port.postMessage({ kind: "level", peak: this.peak });
      this.peak = 0;
    }
    return true;
  }

  addVoices(out, right) {
    this.voicesFlow = this.voices.length >= out.length + (this.voicesFlow ? 0 : sampleRate * LEAST_VOICES_S);
    if (!this.voicesFlow) return;
    for (const [i, sample] of this.voices.splice(0, out.length).entries()) {
      const value = sample / 32768;
      out[i] += value;
      right[i] += value;
      this.peak = Math.max(this.peak, Math.abs(value));
    }
  }

  finishPlayed() {
    for (const response of this.ended) {
      if (this.queue.some((chunk) => chunk.response === response)) continue;
      this.ended.delete(response);
      this.places.delete(response);
      this.report("finished", response);
    }
  }
}
registerProcessor("parley-playback", Playback);
