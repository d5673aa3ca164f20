// What somebody does while a debate goes on: the host leads it, everybody raises a hand and votes.
import { $, el } from "./dom.js";
import { known, put, say } from "./strings.js";

const LEADS = { next: "parley.debate.next", extend: "parley.debate.extend", stop: "parley.debate.stop" };

export class Steering {
  constructor({ state, talk }) {
    this.state = state;
    this.talk = talk;
    this.sides = "";
    this.voted = "";
    for (const [id, type] of Object.entries(LEADS)) $(id).addEventListener("click", () => this.send({ type }));
    $("hand").addEventListener("click", () => this.send({ type: this.raised ? "parley.room.lower_hand" : "parley.room.raise_hand" }));
    state.addEventListener("changed", () => this.show());
  }

  send(event) {
    this.talk.parley?.send(event);
  }

  get raised() {
    return Boolean(this.state.members.find(({ name }) => name === this.state.me)?.hand);
  }

  show() {
    const { state, talk: { connected }, state: { debate, phase, role } } = this;
    const leads = connected && role === "host";
    const running = phase === "running";
    $("hosting").hidden = !leads;
    $("start").hidden = phase !== "setup";
    $("again").hidden = phase !== "over";
    for (const id of ["next", "extend", "stop"]) $(id).hidden = !running || debate.state !== "running";
    $("hand").hidden = !connected || !running || role === "listener";
    $("hand").setAttribute("aria-pressed", String(this.raised));
    put($("hand"), say(this.raised ? "debate.lower_hand" : "debate.raise_hand"), "aria-label");
    $("typed").hidden = !connected || role === "listener" || !running;
    this.votes();
  }

  votes() {
    const { state: { debate, phase }, talk } = this;
    const open = phase === "running" && talk.connected && debate.vote_open;
    if (open && $("votes").hidden) put($("told"), say("debate.vote_now"));
    $("votes").hidden = !open;
    if (!open) {
      this.voted = "";
      return;
    }
    const sides = JSON.stringify(debate.sides);
    if (sides !== this.sides) {
      this.sides = sides;
      $("vote-sides").replaceChildren(...debate.sides.map((side, at) => this.ballot(side, at)));
    }
    for (const ballot of $("vote-sides").children) {
      const { vote } = ballot.dataset;
      const count = debate.votes[vote] ?? 0;
      ballot.setAttribute("aria-pressed", String(this.voted === vote));
      put(ballot.querySelector(".count"), String(count));
      put(ballot, say("debate.votes", { side: known("formats", vote), count }), "aria-label");
    }
  }

  ballot(side, at) {
    const button = el("button", { type: "button", data: { vote: side, side: String(at) } }, el("span", {}, known("formats", side)), el("span", { className: "count" }));
    button.addEventListener("click", () => {
      this.voted = side;
      this.send({ type: "parley.debate.vote", side });
      this.votes();
    });
    return button;
  }
}
