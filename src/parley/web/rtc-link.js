// Sound over WebRTC: the browser's own codec, jitter buffer and echo canceller; events on the data channel.
import { explain, explainEvent } from "./faults.js";
import { meter } from "./meter.js";
import { say } from "./strings.js";

const FLOWS_WITHIN_MS = 2500; // else the WebSocket has its turn: together less than three seconds
const GONE_MS = 2000; // after the browser's own five or so; coming back is quick and loses nothing

export class RtcLink {
  constructor(parley) {
    this.parley = parley;
    this.timers = [];
    this.positions = { response: null, since: 0, before: 0 };
  }

  get open() {
    return this.channel?.readyState === "open";
  }

  async connect() {
    const deadline = performance.now() + FLOWS_WITHIN_MS;
    const { media, iceServers } = this.parley;
    this.peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: "all", iceCandidatePoolSize: 10 });
    this.track = media.getAudioTracks()[0].clone(); // muted here, metered there
    this.peer.addTrack(this.track, media);
    this.audio = new Audio();
    this.audio.autoplay = true;
    this.peer.ontrack = ({ streams }) => {
      this.audio.srcObject = streams[0];
      this.remote = streams[0];
      this.wake();
    };
    this.channel = this.peer.createDataChannel("oai-events");
    const opened = new Promise((resolve) => {
      this.channel.onmessage = ({ data }) => {
        const event = JSON.parse(data);
        if (event.type === "session.created") resolve();
        this.takeEvent(event);
      };
    });
    const flowing = async () => {
      await this.negotiate();
      await opened;
      while (this.peer.connectionState !== "closed" && !(await this.received())) await pause(50);
    };
    const late = pause(Math.max(0, deadline - performance.now())).then(() => "late");
    if ((await Promise.race([flowing(), late])) === "late") {
      throw explain("no-media", "", { fallBack: true });
    }
    this.signals.close();
    this.channel.onclose = () => this.lost(say("faults.closed"), false);
    this.peer.onconnectionstatechange = () => this.stateChanged();
    this.startMeters();
    this.timers.push(setInterval(() => this.tellQuality(), 1000), setInterval(() => this.tellPosition(), 80));
  }

  // Trickle ICE: the offer goes at once, each way to us when it is found.
  negotiate() {
    const socket = this.signals = this.parley.openSocket({ signalling: "1" });
    const send = (event) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(event));
    return new Promise((resolve, reject) => {
      socket.onopen = async () => {
        this.peer.onicecandidate = ({ candidate }) => {
          const { candidate: line = "", sdpMid = null, sdpMLineIndex = null } = candidate ?? {};
          send({ type: "parley.rtc.candidate", candidate: line, sdpMid, sdpMLineIndex });
        };
        const { type, sdp } = await this.peer.createOffer();
        await this.peer.setLocalDescription({ type, sdp: inStereo(sdp) });
        send({ type: "parley.rtc.offer", sdp: this.peer.localDescription.sdp });
      };
      socket.onmessage = ({ data }) => {
        const event = JSON.parse(data);
        if (event.type === "error") reject(explainEvent(event.error));
        else resolve(this.peer.setRemoteDescription({ type: "answer", sdp: event.sdp }));
      };
      socket.onclose = () => reject(explain("unreachable"));
    });
  }

  async received() {
    for (const report of (await this.peer.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.packetsReceived > 0) return true;
    }
    return false;
  }

  startMeters() {
    const { context, media } = this.parley;
    const mic = context.createMediaStreamSource(media);
    this.timers.push(meter(context, mic, (peak) => this.parley.tell("levels", { mic: this.muted ? 0 : peak })));
    const speaker = context.createMediaStreamSource(this.remote);
    this.timers.push(meter(context, speaker, (peak) => this.parley.tell("levels", { speaker: peak })));
  }

  takeEvent(event) {
    const at = this.positions;
    if (event.type === "output_audio_buffer.started") {
      Object.assign(at, { response: event.response_id, since: performance.now(), before: 0 });
      this.audio.muted = false;
      this.parley.tell("sound", { response: event.response_id });
    } else if (event.type === "output_audio_buffer.cleared" || event.type === "output_audio_buffer.stopped") {
      this.audio.muted = event.type === "output_audio_buffer.cleared"; // what the jitter buffer still holds
      at.response = null;
    } else if (event.type === "parley.state" && at.response) {
      const paused = event.state === "BARGED_IN";
      if (paused && at.since) Object.assign(at, { before: at.before + performance.now() - at.since, since: 0 });
      if (!paused && !at.since) at.since = performance.now();
      this.audio.muted = paused;
    }
    this.parley.takeEvent(event);
  }

  // The server's clock plays; what was heard here is that, as far as the eye can tell. The server counts by itself.
  tellPosition() {
    const { response, since, before } = this.positions;
    if (response) this.parley.tell("position", { response, audio_ms: before + (since ? performance.now() - since : 0) });
  }

  async tellQuality() {
    const quality = { path: "WebRTC", rtt_ms: null, jitter_ms: null, lost: 0, codec: "" };
    const reports = await this.peer.getStats();
    for (const report of reports.values()) {
      if (report.type === "candidate-pair" && report.nominated && report.state === "succeeded") {
        quality.rtt_ms = Math.round((report.currentRoundTripTime ?? 0) * 1000);
        const near = reports.get(report.localCandidateId);
        const path = `WebRTC ${(near?.protocol ?? "udp").toUpperCase()}`;
        quality.path = near?.candidateType === "relay" ? String(say("panels.by_turn", { path, protocol: near.relayProtocol })) : path;
      } else if (report.type === "inbound-rtp") {
        quality.jitter_ms = Math.round((report.jitter ?? 0) * 1000);
        quality.lost = report.packetsLost ?? 0;
        quality.codec = reports.get(report.codecId)?.mimeType?.replace("audio/", "") ?? "";
      }
    }
    this.parley.tell("quality", quality);
  }

  stateChanged() {
    const state = this.peer.connectionState;
    clearTimeout(this.waiting);
    if (state === "failed") this.lost(say("faults.lost"));
    if (state === "disconnected") this.waiting = setTimeout(() => this.lost(say("faults.lost")), GONE_MS);
  }

  lost(reason, lost = true) {
    this.parley.closed(reason, lost);
  }

  send(event) {
    this.channel.send(JSON.stringify(event));
  }

  get muted() {
    return !this.track.enabled;
  }

  set muted(muted) {
    this.track.enabled = !muted;
  }

  set volume(volume) {
    this.audio.volume = volume;
  }

  // Plays, if the browser allows: some want a click first, and phones stop it for a call.
  async wake() {
    try {
      await this.audio.play();
      this.audio.onpause = () => this.parley.tell("blocked", true);
      this.parley.tell("blocked", false);
    } catch (fault) {
      if (fault.name !== "AbortError") this.parley.tell("blocked", true);
    }
  }

  async setSpeaker(device) {
    await this.audio.setSinkId?.(device);
  }

  close() {
    for (const timer of this.timers.splice(0)) typeof timer === "function" ? timer() : clearInterval(timer);
    clearTimeout(this.waiting);
    if (!this.peer) return;
    if (this.channel) this.channel.onclose = this.channel.onmessage = null;
    this.peer.onconnectionstatechange = null;
    this.track?.stop();
    this.audio.onpause = null;
    this.audio.srcObject = null;
    this.signals?.close(); // a call that never came about ends with it
    this.peer.close();
  }
}

// Chrome plays Opus in mono unless its offer says otherwise; Firefox says so by itself.
function inStereo(sdp) {
  return sdp.replace(/^a=fmtp:.*useinbandfec=1.*$/gm, (line) => (line.includes("stereo=1") ? line : `${line};stereo=1`));
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
