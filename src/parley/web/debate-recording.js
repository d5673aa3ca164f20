// A recording: the host asks, each answers, a red sign stands as long as it goes on, and each withdraws at once.
import { $, clock } from "./dom.js";
import { joined, put, say } from "./strings.js";

const TICK_MS = 500;

export class Recording {
  constructor({ state, talk, notice }) {
    Object.assign(this, { state, talk, notice, answered: false, before: "off" });
    $("record").addEventListener("click", () => this.send({ type: "parley.recording.ask" }));
    $("recording-yes").addEventListener("click", () => this.answer(true));
    $("recording-no").addEventListener("click", () => this.answer(false));
    $("recording-withdraw").addEventListener("click", () => this.answer(false));
    $("recording-keep").addEventListener("click", () => this.send({ type: "parley.recording.stop" }));
    state.addEventListener("changed", () => this.show());
    setInterval(() => this.tick(), TICK_MS);
  }

  send(event) {
    this.talk.parley?.send(event);
  }

  answer(consents) {
    this.answered = true;
    this.send({ type: "parley.recording.consent", consents });
    this.show();
  }

  names(names) {
    const { state } = this;
    return joined(names.map((name) => (name === state.me ? say("debate.you") : state.called(name))));
  }

  show() {
    const { state, talk: { connected } } = this;
    const { state: now, asked, consented, url } = state.recording;
    if (now !== this.before) this.turned(this.before, now);
    this.before = now;
    const agreed = consented.includes(state.me);
    const waits = now === "asking" && asked.includes(state.me) && !this.answered;
    $("recording-question").hidden = !connected || !waits;
    if (waits) put($("recording-asks"), say("recording.asks"));
    $("recording").hidden = now === "off" || (now === "kept" && (!url || state.phase === "over")); // then it stands below what came of it
    $("recording").dataset.state = now;
    const agree = consented.length ? say("recording.agreed", { names: this.names(consented) }) : "";
    const wait = asked.length ? say("recording.waiting", { names: this.names(asked) }) : "";
    put($("recording-who"), joined([agree, wait], " · "));
    $("recording-withdraw").hidden = !connected || !agreed || now === "kept" || now === "off";
    $("recording-keep").hidden = !connected || state.role !== "host" || now !== "on";
    $("recording-link").hidden = now !== "kept" || !url;
    $("verdict-recording").hidden = now !== "kept" || !url;
    for (const id of ["recording-link", "verdict-recording"]) $(id).href = url ?? "";
    $("record").hidden = !["off", "kept"].includes(now) || state.phase === "over"; // the host's, as all beside it
    this.tick();
  }

  turned(before, now) {
    this.answered = false;
    const { why } = this.state.recording;
    if (why) this.notice.complain(say("recording.ended", { why }), { topic: "recording" });
    else if (now === "off" && before === "on") this.notice.tell(say("recording.deleted"), { topic: "recording" });
    else if (now === "off" && before === "asking") this.notice.tell(say("recording.refused"), { topic: "recording" });
    else this.notice.clear("recording");
    if (["asking", "on", "kept"].includes(now)) put($("told"), say(`recording.told_${now}`));
  }

  tick() {
    const { recording, recordingAt } = this.state;
    const seconds = (recording.seconds ?? 0) + (recording.state === "on" ? (performance.now() - recordingAt) / 1000 : 0);
    const words = { asking: say("recording.not_yet"), on: say("recording.on", { time: clock(seconds) }), kept: say("recording.kept") };
    put($("recording-state"), words[recording.state] ?? "");
  }
}
