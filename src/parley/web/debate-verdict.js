// What came of a debate: each side's points, who spoke how long, who was interrupted, votes; files of it.
import { $, clock, el } from "./dom.js";
import { download } from "./copying.js";
import { known, put, say } from "./strings.js";

const TYPES = { md: "text/markdown", json: "application/json", srt: "application/x-subrip", vtt: "text/vtt" };

export class Verdict {
  constructor({ state, talk }) {
    this.state = state;
    this.talk = talk;
    this.shown = null;
    for (const button of $("exports").querySelectorAll("[data-format]")) {
      button.addEventListener("click", () => talk.parley?.send({ type: "parley.debate.export", format: button.dataset.format }));
    }
    state.addEventListener("changed", () => this.show());
  }

  take({ type, format, name, text }) {
    if (type === "parley.debate.document") download(name, text, TYPES[format]);
  }

  show() {
    const { debate, phase } = this.state;
    $("verdict").hidden = phase !== "over";
    for (const button of $("exports").querySelectorAll("[data-format]")) button.disabled = !this.talk.connected;
    if (phase !== "over" || debate === this.shown) return;
    this.shown = debate;
    put($("verdict-title"), debate.topic);
    const { verdict, sides } = debate;
    $("verdict-parts").replaceChildren(
      el("div", { className: "sides" }, ...sides.map((side, at) => this.side(side, at))),
      ...this.votes(verdict, sides), this.seconds(verdict), ...this.interrupted(verdict),
    );
    $("verdict-title").focus({ preventScroll: true });
    $("scroll").scrollTop = 0;
  }

  side(side, at) {
    const { debate: { debaters, verdict } } = this.state;
    const who = debaters.filter((one) => one.side === side).map(({ name }) => name).join(", ");
    const strongest = verdict.strongest[side];
    const left = new Set(verdict.unanswered.map(({ text }) => text));
    const made = verdict.claims[side] ?? [];
    const point = ({ text, taken_up_by: by }) => el("li", { data: { kind: text === strongest && by.length ? "strongest" : left.has(text) ? "unanswered" : "" } },
      el("span", { dir: "auto" }, text),
      text === strongest && by.length ? el("small", { className: "mark" }, say("verdict.strongest")) : null,
      left.has(text) ? el("small", { className: "mark" }, say("verdict.unanswered")) : null,
    );
    return el("section", { data: { side: String(at) } },
      el("h3", {}, known("formats", side), el("small", {}, who ? ` ${who}` : "")),
      made.length ? el("ul", { className: "points" }, ...made.map(point)) : el("p", { className: "soft" }, say("verdict.no_point")),
    );
  }

  votes({ votes }, sides) {
    const all = Object.values(votes).reduce((sum, count) => sum + count, 0);
    if (!all) return [];
    return [el("section", {}, el("h3", {}, say("verdict.votes")), bars(sides.map((side, at) => ({
      name: known("formats", side), colour: String(at), share: (votes[side] ?? 0) / all, words: String(votes[side] ?? 0),
    }))))];
  }

  seconds({ seconds }) {
    const most = Math.max(1, ...Object.values(seconds));
    return el("section", {}, el("h3", {}, say("verdict.spoke")), bars(Object.entries(seconds).map(([name, spent]) => ({
      name: this.state.called(name), colour: this.state.colour(name), share: spent / most, words: clock(spent),
    }))));
  }

  interrupted({ interrupted }) {
    if (!interrupted.length) return [];
    const { state } = this;
    return [el("section", {}, el("h3", {}, say("verdict.interrupted")), el("ul", { className: "cuts" }, ...interrupted.map(({ speaker, by, heard }) => el("li", {},
      el("strong", {}, state.called(speaker)), " ", say("verdict.by", { name: state.called(by) }), " ",
      heard ? el("q", { dir: "auto" }, heard) : say("verdict.unheard"),
    ))))];
  }
}

// Bars with their words: a list, so that it is read as one.
function bars(rows) {
  return el("ul", { className: "bars" }, ...rows.map(({ name, colour, share, words }) => {
    const bar = el("span", { className: "length", "aria-hidden": "true" });
    bar.style.width = `${Math.round(share * 100)}%`;
    return el("li", { data: { side: colour } }, el("span", { className: "whose", dir: "auto" }, name), el("span", { className: "track" }, bar), el("span", { className: "value" }, words));
  }));
}
