// Who has the floor: a portrait each, from left to right as they are heard; the one who speaks is lit and moves with the voice.
import { $, clock, el } from "./dom.js";
import { initials } from "./debate-state.js";
import { icon } from "./icon.js";
import { joined, known, put, say } from "./strings.js";

const TICK_MS = 250;
const SETTLES = 0.5; // share of the way to a new level

export class Floor {
  constructor(state) {
    this.state = state;
    this.shape = "";
    this.level = 0;
    state.addEventListener("changed", () => this.show());
    setInterval(() => this.tick(), TICK_MS);
  }

  // From left to right.
  get agents() {
    const { debate } = this.state;
    const agents = debate.debaters.map(({ name, side, place = 0, available, muted }) => {
      const away = muted ? say("debate.muted") : available ? "" : say("debate.not_available");
      return { name, place, role: known("formats", side), away };
    });
    if (debate.moderator) agents.push({ name: debate.moderator, place: 0, role: say("debate.is_moderator"), away: "" });
    return agents.sort((a, b) => a.place - b.place);
  }

  get people() {
    const { state } = this;
    return state.members.filter(({ role }) => role !== "listener").map(({ name, muted, hand }) => (
      { name, role: name === state.me ? say("debate.you") : "", away: muted ? say("debate.muted") : "", hand }
    ));
  }

  show() {
    const { state: { debate, phase } } = this;
    if (phase !== "running") return;
    const { agents, people } = this;
    const shape = JSON.stringify([agents, people]);
    if (shape !== this.shape) {
      this.shape = shape;
      $("portraits").replaceChildren(...agents.map((one) => this.portrait(one)));
      $("floor-people").replaceChildren(...people.map((one) => this.portrait(one)));
    }
    const now = this.state.speaking ?? debate.speaker;
    const next = debate.next === "moderator" ? debate.moderator : debate.next;
    for (const portrait of [...$("portraits").children, ...$("floor-people").children]) {
      const { name } = portrait.dataset;
      portrait.toggleAttribute("data-speaks", name === now);
      portrait.toggleAttribute("data-next", name !== now && name === next);
      if (name === now) portrait.setAttribute("aria-current", "true");
      else portrait.removeAttribute("aria-current");
      put(portrait.querySelector(".next"), name !== now && name === next ? say("debate.is_next") : "");
    }
    put($("topic"), debate.topic);
    put($("floor-words"), this.words);
    this.tick();
  }

  portrait({ name, role, away, hand }) {
    const { state } = this;
    const called = state.called(name);
    return el("li", { className: "portrait", data: { name, side: state.colour(name), away: String(Boolean(away)) } },
      el("span", { className: "face", "aria-hidden": "true" }, initials(called), hand ? el("span", { className: "raised" }, icon("hand")) : ""),
      el("strong", { className: "name", dir: "auto" }, called),
      el("span", { className: "role" }, joined([role, away, hand ? say("debate.hand_up") : ""])),
      el("span", { className: "next" }),
    );
  }

  get words() {
    const { state, state: { debate } } = this;
    if (debate.vote_open) return say("debate.vote_below");
    if (debate.state === "closing") return say("debate.being_closed");
    if (!debate.speaker && debate.round && state.speaking === null) return say("debate.people_speak");
    return debate.next === "people" ? say("debate.then_people") : "";
  }

  tick() {
    const { state, state: { debate } } = this;
    if (state.phase !== "running") return;
    put($("round-name"), debate.round ? known("formats", debate.round) : debate.state === "closing" ? say("debate.closing") : "");
    const timed = debate.seconds && (debate.speaker || debate.round);
    put($("round-time"), timed ? say("debate.time_of", { spent: clock(state.spentS), all: clock(debate.seconds) }) : "");
    $("portraits").style.setProperty("--spent", String(timed ? Math.min(1, state.spentS / debate.seconds) : 0));
    const left = debate.minutes ? debate.minutes * 60 - state.elapsedS : null;
    const soFar = say("debate.so_far", { time: clock(state.elapsedS) });
    put($("minutes"), left === null ? soFar : left > 0 ? say("debate.left", { time: clock(left) }) : say("debate.time_over"));
  }

  hear({ speaker }) {
    if (speaker === undefined) return;
    this.level += (Math.min(1, Math.sqrt(speaker) * 1.2) - this.level) * SETTLES;
    $("portraits").style.setProperty("--level", this.level.toFixed(2)); // the style sheet draws it
  }
}
