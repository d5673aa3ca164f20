// Who is here: people with their roles, agents with their sides; the host mutes and removes.
import { $, el } from "./dom.js";
import { initials } from "./debate-state.js";
import { shortVoiceName } from "./names.js";
import { has, joined, known, say } from "./strings.js";

export class People {
  constructor({ state, talk, notice, invite }) {
    Object.assign(this, { state, talk, notice, invite, shape: "" });
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
    const doing = has(`debate.is_${role}`) ? say(`debate.is_${role}`) : role;
    const about = joined([own ? say("debate.you") : "", doing, muted ? say("debate.muted") : "", hand ? say("debate.hand_up") : ""]);
    const buttons = steers && state.role === "host" && !own ? [
      ...(role === "listener" ? [] : [this.muting(called, muted, (what) => ({ type: `parley.room.${what}`, name }))]),
      button(say("debate.remove"), say("setup.remove", { name: called }), () => this.remove(name, called)),
    ] : [];
    return row(called, "person", about, buttons);
  }

  agents() {
    const { state, state: { debate, role } } = this;
    if (!debate) return [];
    const rows = debate.debaters.map(({ name, side, voice, muted, available }) => {
      const away = muted ? say("debate.muted") : available ? "" : say("debate.not_available");
      const about = joined([known("formats", side), voice ? shortVoiceName(voice) : "", away]);
      const steers = role === "host" && debate.state === "running";
      return row(name, state.colour(name), about, steers ? [this.muting(name, muted, (what) => ({ type: `parley.debate.${what}`, name }))] : []);
    });
    const leads = joined([say("debate.is_moderator"), debate.moderator_voice ? shortVoiceName(debate.moderator_voice) : ""]);
    return debate.moderator ? [...rows, row(debate.moderator, "moderator", leads, [])] : rows;
  }

  muting(called, muted, event) {
    const what = muted ? "unmute" : "mute";
    return button(say(`debate.${what}`), say(`debate.${what}_name`, { name: called }), () => this.talk.parley?.send(event(what)));
  }

  remove(name, called) {
    this.talk.parley?.send({ type: "parley.room.remove", name });
    this.invite.forget(); // the link by which they came is closed
    this.notice.tell(say("debate.was_removed", { name: called }), { topic: "people" });
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
