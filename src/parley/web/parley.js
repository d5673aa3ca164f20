// parley.js: a browser client of a parley server, for any page. docs/page.md has a whole example.
//
//   import { Parley } from "/web/parley.js";
//   const parley = new Parley();
//   parley.addEventListener("event", ({ detail }) => console.log(detail.type));
//   await parley.connect();          // after a click: browsers ask for the microphone then
//
// Sound goes by WebRTC where that gets through, else over the WebSocket; `transport` forces one ("webrtc", "websocket").
//
// Events: "event" (every server event), "state" (LISTENING ...), "position" ({response, audio_ms}),
// "levels" ({mic} or {speaker}), "sound" ({response}: its first sound arrived), "path" ({kind, why}: how sound travels),
// "quality" ({path, rtt_ms, jitter_ms, lost, codec}), "blocked" (true: no sound until `wake` is called in a click),
// "asking" (the browser's question about the microphone stands), "microphone-gone", "closed" ({reason, lost}).
// Errors of `connect` are `ParleyError`s whose `code` says what to do about it.
import { LAST_WORDS, ParleyError, explain, explainEvent } from "./faults.js";
import { RtcLink } from "./rtc-link.js";
import { SocketLink } from "./socket-link.js";

export { ParleyError };

const HERE = new URL(".", import.meta.url);
const OPENS_WITHIN_MS = 3000;
const ASKS_AFTER_MS = 700; // a browser that allows the microphone without a question has done so by then
const WAKES_WITHIN_MS = 300; // browsers that want a click first never say no

export class Parley extends EventTarget {
  constructor({
    server = new URL("..", HERE), key = null, transport = "auto", iceServers = [], microphone = null, noiseSuppression = true, name = "", room = "",
  } = {}) {
    super();
    this.server = new URL(server);
    this.key = key;
    this.transport = transport;
    this.iceServers = iceServers;
    this.microphone = microphone; // a device id; null: the browser's choice
    this.noiseSuppression = noiseSuppression; // the browser's; the server has its own (`noise_reduction`)
    this.name = name; // of who speaks or listens here; empty: the server gives one
    this.room = room; // an invitation to somebody else's conversation
    this.resumeToken = null;
    this.link = null;
    this.active = null;
    this._muted = false;
    this._volume = 1;
    this._sink = "";
    this.media = null;
    this.lastWords = null;
  }

  get connected() {
    return this.link?.open ?? false;
  }

  get listens() {
    return this.connected && this.media !== null;
  }

  // Without a microphone the assistant is typed to; `listen` takes one later.
  async connect({ microphone = true } = {}) {
    this.media = microphone ? await this.openMicrophone() : null;
    this.lastWords = null;
    try {
      this.context = new AudioContext({ latencyHint: "interactive" });
      await this.resumed();
      this.link = await this.openLink();
      this.context.onstatechange = () => this.tellBlocked();
      this.tellBlocked();
    } catch (fault) {
      this.release();
      throw fault;
    }
    this.link.muted = this._muted;
    this.link.volume = this._volume;
    if (this._sink) await this.link.setSpeaker(this._sink);
  }

  async listen() {
    if (!this.connected || this.media) return;
    this.media = await this.openMicrophone();
    this.link.startCapture();
    this.link.muted = this._muted;
  }

  resumed() {
    return Promise.race([this.context.resume(), new Promise((resolve) => setTimeout(resolve, WAKES_WITHIN_MS))]);
  }

  tellBlocked() {
    if (this.connected) this.tell("blocked", this.context.state !== "running");
  }

  // In a click: browsers let sound begin, and go on after a phone call, only then.
  async wake() {
    if (!this.connected) return;
    await this.resumed();
    this.tellBlocked();
    await this.link.wake();
  }

  async openLink() {
    let why = "", tried = null;
    if (this.media && this.transport !== "websocket" && "RTCPeerConnection" in window) {
      const link = new RtcLink(this);
      try {
        await link.connect();
        this.tell("path", { kind: "webrtc", why });
        return link;
      } catch (fault) {
        if (this.transport === "webrtc" || !fault.fallBack) {
          link.close();
          throw fault;
        }
        why = fault.message;
        tried = link;
      }
    }
    const link = new SocketLink(this);
    try {
      await link.connect();
    } catch (fault) {
      link.close();
      throw fault;
    } finally {
      tried?.close(); // not before: closed on purpose, a call takes the conversation along that is to go on here
    }
    this.tell("path", { kind: "websocket", why });
    return link;
  }

  // Fails when nobody answers: a network that is gone would keep it waiting for minutes.
  openSocket(parameters = {}) {
    const url = new URL("ws", this.server);
    url.protocol = url.protocol.replace("http", "ws");
    const known = { resume: this.resumeToken, name: this.name, room: this.room, ...parameters };
    for (const [name, value] of Object.entries(known)) if (value) url.searchParams.set(name, value);
    const socket = this.newSocket(url);
    setTimeout(() => socket.readyState === WebSocket.CONNECTING && socket.close(), OPENS_WITHIN_MS);
    return socket;
  }

  newSocket(url) {
    try {
      return new WebSocket(url, this.key ? ["realtime", `openai-insecure-api-key.${this.key}`] : ["realtime"]);
    } catch (fault) {
      throw fault.name === "SyntaxError" ? explain("unsendable_key") : fault;
    }
  }

  async openMicrophone() {
    if (!navigator.mediaDevices?.getUserMedia) throw explain("insecure");
    const asking = setTimeout(() => this.tell("asking"), ASKS_AFTER_MS);
    try {
      const media = await navigator.mediaDevices.getUserMedia({
        audio: {
          channelCount: 1, echoCancellation: true, noiseSuppression: this.noiseSuppression, autoGainControl: true,
          ...(this.microphone ? { deviceId: this.microphone } : {}), // another one where it was unplugged
        },
      });
      media.getAudioTracks()[0].onended = () => this.tell("microphone-gone");
      return media;
    } catch (fault) {
      throw explain({ NotAllowedError: "denied", NotFoundError: "no-device" }[fault.name] ?? "microphone", fault.message);
    } finally {
      clearTimeout(asking);
    }
  }

  takeEvent(event) {
    if (event.type === "parley.state") this.tell("state", event.state);
    if (event.type === "error" && LAST_WORDS.has(event.error.code)) this.lastWords = explainEvent(event.error);
    if (event.type === "parley.resume") this.resumeToken = event.token;
    const beside = event.response?.metadata?.parley === "delegate"; // it does not sound
    if (event.type === "response.created" && !beside) this.active = event.response.id;
    if (event.type === "response.done" && !beside) this.active = null;
    this.tell("event", event);
  }

  send(event) {
    if (this.connected) this.link.send(event);
  }

  update(session) {
    this.send({ type: "session.update", session: { type: "realtime", ...session } });
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
    if (this.active) this.send({ type: "response.cancel" });
  }

  // Push to talk: nothing is heard but between `press` and `release`; needs `update` with turn_detection null.
  press() {
    this.interrupt();
    this.send({ type: "input_audio_buffer.clear" });
    this.muted = false;
  }

  releaseTalk() {
    this.muted = true;
    this.send({ type: "input_audio_buffer.commit" });
    this.send({ type: "response.create" });
  }

  // Where a response sounds from: -1 left, 0 in the middle, 1 right. By WebRTC all come from the middle.
  place(response, at) {
    this.link?.place?.(response, at);
  }

  get muted() {
    return this._muted;
  }

  set muted(muted) {
    this._muted = muted;
    if (this.link) this.link.muted = muted;
  }

  set volume(volume) {
    this._volume = volume;
    if (this.link) this.link.volume = volume;
  }

  async setSpeaker(device) {
    this._sink = device;
    await this.link?.setSpeaker(device);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  disconnect() {
    this.link?.close();
    this.resumeToken = null;
    this.release();
  }

  // The page is being closed or loaded anew: the server keeps the conversation, for who comes back in time.
  away() {
    this.send({ type: "parley.away" });
  }

  closed(reason, lost = true) {
    this.link?.close();
    this.release();
    const { code = null, message = reason } = this.lastWords ?? {};
    this.tell("closed", { reason: String(message), code, lost: code ? code === "server_stopping" : lost });
  }

  release() {
    for (const track of this.media?.getTracks() ?? []) track.stop();
    this.media = null;
    if (this.context && this.context.state !== "closed") this.context.close();
    this.link = null;
    this.active = null;
  }
}
