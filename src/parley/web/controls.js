// The talk button with its living picture, the buttons beside it, and the words that say what is going on.
import { setIcon } from "./icon.js";
import { Orb } from "./orb.js";
import { has, put, say } from "./strings.js";

const $ = (id) => document.getElementById(id);
const WAITING = ["connecting", "asking", "returning", "busy"];
const TURNS = ["USER_SPEAKING", "THINKING", "SPEAKING", "BARGED_IN"]; // heard anyway: no screen reader talks into them
// What a press of the big button does: its words and its picture.
const ACTS = {
  start: [say("talk.start"), "mic"], listen: [say("talk.listen"), "mic"], hold: [say("talk.hold"), "mic"], unmute: [say("talk.unmute"), "mic-off"],
  interrupt: [say("talk.interrupt"), "stop"], none: [say("talk.just_speak"), ""], wait: [say("talk.wait"), ""], hears: [say("talk.hears"), ""],
};
const IDLE = ["none", "wait", "hears"]; // a press does nothing

export class Controls {
  // `begin`: what the first press does; `speaks`: whether this person may; `cuts`: whether a press interrupts; `label` and `describe`: other words
  // for what a press does and for a state, or nothing; `tells`: whether a screen reader is told that nobody speaks just now.
  constructor({
    talk, settings, notice, begin = () => talk.start(), speaks = () => true, cuts = true, label = () => "", describe = () => "", tells = () => true,
  }) {
    Object.assign(this, { begin, speaks, cuts, label, own: describe, tells });
    this.talk = talk;
    this.settings = settings;
    this.notice = notice;
    this.orb = new Orb($("orb"));
    this.state = "offline";
    this.away = false; // whether the server gives no sign of life
    talk.addEventListener("state", ({ detail }) => this.show(detail));
    talk.addEventListener("microphone", () => this.show());
    talk.addEventListener("levels", ({ detail }) => this.orb.hear(detail));
    $("connect").addEventListener("click", () => this.press());
    $("mute").addEventListener("click", () => this.mute(!talk.parley.muted));
    $("end").addEventListener("click", () => {
      talk.end();
      $("connect").focus(); // the button that was pressed is gone
    });
    this.holdByPointer();
    this.holdBySpace();
    this.show();
  }

  get act() {
    const { talk, state } = this;
    if (WAITING.includes(state)) return "wait";
    if (!talk.connected) return "start";
    if (!this.speaks()) return "hears";
    if (talk.listens && this.settings.pushToTalk) return "hold";
    if (this.cuts && (state === "SPEAKING" || state === "THINKING")) return "interrupt";
    if (!talk.listens) return "listen";
    return talk.parley.muted ? "unmute" : "none";
  }

  show(state = this.state) {
    this.state = state;
    const { act } = this;
    const [known, picture] = ACTS[act];
    const words = this.label(act) || known;
    const button = $("connect");
    button.dataset.act = act;
    button.setAttribute("aria-disabled", String(IDLE.includes(act)));
    put($("connect-label"), words);
    $("orb-icon").parentElement.toggleAttribute("hidden", !picture);
    if (picture) setIcon($("orb-icon"), picture);
    this.orb.set(this.away ? "gone" : state);
    this.describe();
    const on = this.talk.connected;
    $("end").hidden = !on && act !== "wait";
    $("mute").hidden = !this.talk.listens || !this.speaks() || this.settings.pushToTalk;
    const muted = on && this.talk.parley.muted;
    $("mute").setAttribute("aria-pressed", String(muted));
    setIcon($("mute-icon"), muted ? "mic-off" : "mic");
    document.body.dataset.connected = String(on);
  }

  describe() {
    $("state").dataset.state = this.away ? "gone" : this.state;
    let words = has(`state.${this.state}`) ? say(`state.${this.state}`) : this.state;
    if (this.state === "LISTENING" && !this.talk.listens) words = say("state.ready");
    if (this.state === "LISTENING" && this.talk.listens && this.talk.parley.muted && !this.settings.pushToTalk) words = say("state.muted");
    words = this.own(this.state) || words;
    if (this.away && this.state !== "returning") words = say("state.gone");
    put($("state"), words);
    const taking = (TURNS.includes(this.state) || (this.state === "LISTENING" && !this.tells())) && !this.away;
    if (!taking) put($("told"), words);
  }

  gone(away) {
    this.away = away;
    this.show();
    if (!away) return this.notice.clear("gone");
    if (this.talk.connected || this.state === "returning") return;
    this.notice.complain(say("connection.gone"), { topic: "gone" });
  }

  press() {
    switch (this.act) {
      case "start":
        return this.begin();
      case "listen":
        return this.talk.listen();
      case "unmute":
        return this.mute(false);
      case "interrupt":
        return this.talk.parley.interrupt();
    }
  }

  mute(muted) {
    this.talk.parley.muted = muted;
    this.show();
  }

  // Push to talk: hold the button, or the space bar where nothing is being typed.
  hold(on) {
    if ((on && this.act !== "hold") || $("connect").dataset.held === String(on)) return;
    $("connect").dataset.held = String(on);
    if (!this.talk.connected) return;
    if (on) this.talk.parley.press();
    else this.talk.parley.releaseTalk();
  }

  holdByPointer() {
    $("connect").addEventListener("pointerdown", () => this.hold(true));
    $("connect").addEventListener("contextmenu", (event) => this.settings.pushToTalk && event.preventDefault());
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, () => this.hold(false));
  }

  holdBySpace() {
    for (const [name, on] of [["keydown", true], ["keyup", false]]) {
      window.addEventListener(name, (event) => {
        if (event.code !== "Space" || this.act !== "hold") return;
        if (event.target.matches("input, textarea, select, summary, button:not(#connect)")) return;
        event.preventDefault();
        if (!event.repeat) this.hold(on);
      });
    }
  }
}
