// parley.js: a browser client of a parley server, for any page.
//
//   import { Parley } from "/web/parley.js";
//   const parley = new Parley();
//   parley.addEventListener("event", ({ detail }) => console.log(detail.type));
//   await parley.connect();          // after a click: browsers ask for the microphone then
//
// Events: "event" (every server event), "state" (LISTENING ...), "position" ({response, audio_ms}),
// "levels" ({mic} or {speaker}), "sound" ({response}: its first sound arrived), "closed" ({reason}).
// Errors of `connect` are `ParleyError`s whose `code` says what to do about it.

export class ParleyError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const HERE = new URL(".", import.meta.url);

export class Parley extends EventTarget {
  constructor({ url = new URL("../ws", HERE), key = null } = {}) {
    super();
    this.url = new URL(url);
    this.url.protocol = this.url.protocol.replace("http", "ws");
    this.key = key;
    this.muted = false;
    this.streams = new Map();
    this.sounding = new Set();
  }

  get connected() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  async connect() {
    const media = await this.openMicrophone();
    this.media = media;
    try {
      this.context = new AudioContext({ latencyHint: "interactive" });
      await this.context.audioWorklet.addModule(new URL("capture-worklet.js", HERE));
      await this.context.audioWorklet.addModule(new URL("playback-worklet.js", HERE));
      await this.context.resume();
      await this.openSocket();
    } catch (fault) {
      this.release();
      throw fault;
    }
    this.startPlayback();
    this.startCapture(media);
  }

  async openMicrophone() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new ParleyError("insecure", "The browser gives no microphone to this address: open the page by https or on localhost.");
    }
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
    } catch (fault) {
      if (fault.name === "NotAllowedError") {
        throw new ParleyError("denied", "The microphone was not allowed: click the lock beside the address, allow it, and connect again.");
      }
      if (fault.name === "NotFoundError") {
        throw new ParleyError("no-device", "No microphone was found: plug one in and connect again.");
      }
      throw new ParleyError("microphone", `The microphone could not be opened (${fault.message}): is another program using it?`);
    }
  }

  openSocket() {
    const protocols = ["realtime"];
    if (this.key) protocols.push(`openai-insecure-api-key.${this.key}`);
    this.socket = new WebSocket(this.url, protocols);
    this.socket.binaryType = "arraybuffer";
    return new Promise((resolve, reject) => {
      let opened = false;
      this.socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) return this.takeSound(data);
        const event = JSON.parse(data);
        if (!opened && event.type === "error") {
          return reject(new ParleyError(event.error.code, event.error.message));
        }
        if (!opened && event.type === "session.created") {
          opened = true;
          const format = { type: "audio/pcm", rate: this.context.sampleRate };
          this.send({ type: "session.update", session: { type: "realtime", audio: { input: { format }, output: { format } } } });
          resolve();
        }
        this.takeEvent(event);
      };
      this.socket.onclose = ({ reason }) => {
        if (!opened) reject(new ParleyError("unreachable", "The server does not answer: is it running?"));
        else this.closed(reason || "The connection was lost.");
      };
    });
  }

  startCapture(media) {
    const source = this.context.createMediaStreamSource(media);
    const capture = new AudioWorkletNode(this.context, "parley-capture", { numberOfOutputs: 0 });
    capture.port.onmessage = ({ data }) => {
      this.tell("levels", { mic: this.muted ? 0 : data.peak });
      if (!this.connected) return;
      const samples = this.muted ? new ArrayBuffer(data.samples.byteLength) : data.samples;
      this.socket.send(samples);
    };
    source.connect(capture);
  }

  startPlayback() {
    this.playback = new AudioWorkletNode(this.context, "parley-playback", { outputChannelCount: [1] });
    this.playback.port.onmessage = ({ data }) => {
      if (data.kind === "level") return this.tell("levels", { speaker: data.peak });
      this.send({ type: `parley.playout.${data.kind}`, response_id: data.response, audio_ms: data.audio_ms });
      this.tell("position", { response: data.response, audio_ms: data.audio_ms });
    };
    this.output = this.context.createGain();
    this.playback.connect(this.output).connect(this.context.destination);
  }

  takeSound(data) {
    const response = this.streams.get(new DataView(data).getUint32(0, true));
    if (!response) return;
    if (!this.sounding.has(response)) {
      this.sounding.add(response);
      this.tell("sound", { response });
    }
    const samples = data.slice(4);
    this.playback.port.postMessage({ kind: "push", response, samples }, [samples]);
  }

  takeEvent(event) {
    if (event.type.startsWith("parley.playout.")) {
      const kind = event.type.slice("parley.playout.".length);
      if (kind === "begin") this.streams.set(event.stream, event.response_id);
      else this.playback?.port.postMessage({ kind, response: event.response_id });
    } else if (event.type === "parley.state") {
      this.tell("state", event.state);
    }
    this.tell("event", event);
  }

  send(event) {
    if (this.connected) this.socket.send(JSON.stringify(event));
  }

  say(text) {
    this.interrupt();
    this.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text }] },
    });
    this.send({ type: "response.create" });
  }

  interrupt() {
    if (this.speaking) this.send({ type: "response.cancel" });
  }

  get speaking() {
    return this.active !== null && this.active !== undefined;
  }

  tell(name, detail) {
    if (name === "event" && detail.type === "response.created") this.active = detail.response.id;
    if (name === "event" && detail.type === "response.done") this.active = null;
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  disconnect() {
    this.socket?.close(1000);
    this.release();
  }

  closed(reason) {
    this.release();
    this.tell("closed", { reason });
  }

  release() {
    for (const track of this.media?.getTracks() ?? []) track.stop();
    if (this.context && this.context.state !== "closed") this.context.close();
    this.active = null;
    this.streams.clear();
  }
}
