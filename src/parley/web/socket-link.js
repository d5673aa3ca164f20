// Sound over the WebSocket: worklets capture and play, and report what was really played.
import { explain, explainEvent } from "./faults.js";
import { say } from "./strings.js";

const HERE = new URL(".", import.meta.url);
const RATES_HZ = [8000, 16000, 22050, 24000, 32000, 44100, 48000]; // what the server takes

const VOICES = 0; // the stream of what other people say

export class SocketLink {
  constructor(parley) {
    this.parley = parley;
    this.muted = false;
    this.streams = new Map(); // number of a sound stream -> response
    this.sounding = new Set();
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  async connect() {
    const { context } = this.parley;
    this.rate = RATES_HZ.find((rate) => rate >= context.sampleRate) ?? 48000; // the device's own, else resampled
    try {
      await context.audioWorklet.addModule(new URL("capture-worklet.js", HERE));
      await context.audioWorklet.addModule(new URL("playback-worklet.js", HERE));
    } catch {
      throw explain("unreachable"); // what it tells of that is no help
    }
    await this.openSocket();
    this.startPlayback();
    if (this.parley.media) this.startCapture();
    this.parley.tell("quality", { path: "WebSocket", codec: "PCM" });
  }

  openSocket() {
    this.socket = this.parley.openSocket();
    this.socket.binaryType = "arraybuffer";
    return new Promise((resolve, reject) => {
      let opened = false;
      this.socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) return this.takeSound(data);
        const event = JSON.parse(data);
        if (!opened && event.type === "error") return reject(explainEvent(event.error));
        if (!opened && event.type === "session.created") {
          opened = true;
          const format = { type: "audio/pcm", rate: this.rate };
          this.send({ type: "session.update", session: { type: "realtime", audio: { input: { format }, output: { format } } } });
          resolve();
        }
        this.takeEvent(event);
      };
      this.socket.onclose = ({ reason }) => {
        if (!opened) reject(explain("unreachable"));
        else this.parley.closed(reason || say("faults.lost"), !reason);
      };
    });
  }

  startCapture() {
    const { context, media } = this.parley;
    const capture = new AudioWorkletNode(context, "parley-capture", {
      numberOfOutputs: 0, processorOptions: { rate: this.rate },
    });
    capture.port.onmessage = ({ data }) => {
      this.parley.tell("levels", { mic: this.muted ? 0 : data.peak });
      if (!this.open) return;
      this.socket.send(this.muted ? new ArrayBuffer(data.samples.byteLength) : data.samples);
    };
    context.createMediaStreamSource(media).connect(capture);
  }

  startPlayback() {
    const { context } = this.parley;
    this.playback = new AudioWorkletNode(context, "parley-playback", {
      outputChannelCount: [2], processorOptions: { rate: this.rate },
    });
    this.playback.port.onmessage = ({ data }) => {
      if (data.kind === "level") return this.parley.tell("levels", { speaker: data.peak });
      this.send({ type: `parley.playout.${data.kind}`, response_id: data.response, audio_ms: data.audio_ms });
      this.parley.tell("position", { response: data.response, audio_ms: data.audio_ms });
    };
    this.gain = context.createGain();
    this.playback.connect(this.gain).connect(context.destination);
  }

  takeSound(data) {
    const stream = new DataView(data).getUint32(0, true);
    if (stream === VOICES) {
      const samples = data.slice(4);
      return this.playback?.port.postMessage({ kind: "voices", samples }, [samples]);
    }
    const response = this.streams.get(stream);
    if (!response) return;
    if (!this.sounding.has(response)) {
      this.sounding.add(response);
      this.parley.tell("sound", { response });
    }
    const samples = data.slice(4);
    this.playback.port.postMessage({ kind: "push", response, samples }, [samples]);
  }

  takeEvent(event) {
    if (event.type.startsWith("parley.playout.")) {
      const kind = event.type.slice("parley.playout.".length);
      if (kind === "begin") this.streams.set(event.stream, event.response_id);
      else this.playback?.port.postMessage({ kind, response: event.response_id });
    }
    this.parley.takeEvent(event);
  }

  place(response, at) {
    this.playback.port.postMessage({ kind: "place", response, at });
  }

  send(event) {
    this.socket.send(JSON.stringify(event));
  }

  set volume(volume) {
    this.gain.gain.value = volume;
  }

  // After a click: the context is woken by whoever owns it.
  async wake() {}

  async setSpeaker(device) {
    await this.parley.context.setSinkId?.(device);
  }

  close() {
    if (!this.socket) return;
    this.socket.onclose = null;
    this.socket.close(1000);
  }
}
