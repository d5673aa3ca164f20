// Who is here: people with their roles, agents with their sides; the host mutes and removes.
import { $, el } from "./dom.js";
import { initials } from "./debate-state.js";
import { shortVoiceName } from "./names.js";

const ROLES = { host: "host", speaker: "speaks", listener: "listens" };

export class People {
  constructor({ state, talk, notice }) {
    Object.assign(this, { state, talk, notice, shape: "" });
    state.addEventListener("changed", () => this.show());
  }

  show() {
    const { state, state: { members, debate } } = this;
    $("show-people").hidden = !this.talk.connected;
    $("people-count").textContent = members.length > 1 ? String(members.length) : "";
    const shape = JSON.stringify([members, debate?.debaters, debate?.moderator, state.role, state.me]);
    if (shape === this.shape) return; // whoever tabs through it stays where they are
    this.shape = shape;
    const focused = document.activeElement?.closest(".who-is-here") ? document.activeElement.getAttribute("aria-label") : null;
    $("members").replaceChildren(...members.map((member) => this.member(member)));
    $("door-people").replaceChildren(...members.map((member) => this.member(member, { steers: false })));
    $("agents").replaceChildren(...this.agents());
    $("agents-title").hidden = !$("agents").children.length;
    if (focused) ($("people").querySelector(`[aria-label="${CSS.escape(focused)}"]`) ?? $("people").querySelector(".close")).focus();
  }

  member({ name, role, muted, hand }, { steers = true } = {}) {
    const { state } = this;
    const own = name === state.me;
    const called = state.called(name);
    const about = [own ? "you" : "", ROLES[role] ?? role, muted ? "muted" : "", hand ? "has a hand up" : ""].filter(Boolean).join(", ");
    const buttons = steers && state.role === "host" && !own ? [
      ...(role === "listener" ? [] : [this.muting(called, muted, (what) => ({ type: `parley.room.${what}`, name }))]),
      button("Remove", `Remove ${called}`, () => this.remove(name, called)),
    ] : [];
    return row(called, "person", about, buttons);
  }

  agents() {
    const { state, state: { debate, role } } = this;
    if (!debate) return [];
    const rows = debate.debaters.map(({ name, side, voice, muted, available }) => {
      const about = [side, voice ? shortVoiceName(voice) : "", muted ? "muted" : available ? "" : "not available"].filter(Boolean).join(", ");
      const steers = role === "host" && debate.state === "running";
      return row(name, state.colour(name), about, steers ? [this.muting(name, muted, (what) => ({ type: `parley.debate.${what}`, name }))] : []);
    });
    const voice = debate.moderator_voice ? `, ${shortVoiceName(debate.moderator_voice)}` : "";
    return debate.moderator ? [...rows, row(debate.moderator, "moderator", `moderator${voice}`, [])] : rows;
  }

  muting(called, muted, event) {
    const words = muted ? "Unmute" : "Mute";
    return button(words, `${words} ${called}`, () => this.talk.parley?.send(event(words.toLowerCase())));
  }

  remove(name, called) {
    this.talk.parley?.send({ type: "parley.room.remove", name });
    this.notice.tell(`${called} was removed. Whoever has the link can come again.`, { topic: "people" });
  }
}

export function row(name, colour, about, buttons) {
  return el("li", { data: { side: colour } },
    el("span", { className: "face", "aria-hidden": "true" }, initials(name)),
    el("span", { className: "name" }, el("strong", { dir: "auto" }, name), el("small", {}, about)),
    ...buttons,
  );
}

function button(words, label, act) {
  const made = el("button", { type: "button", className: "small", "aria-label": label }, words);
  made.addEventListener("click", act);
  return made;
}
