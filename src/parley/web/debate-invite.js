// Links that others come by, as text and as a picture for phones.
import { $, el } from "./dom.js";
import { copy } from "./copying.js";
import { put, say } from "./strings.js";

const ROLES = ["speaker", "listener"];
const COPIED_MS = 1500;
const OF_THIS_DEVICE = /^(localhost|127\.|\[::1\]$)/;

export class Invite {
  constructor({ talk, about, state }) {
    Object.assign(this, { talk, about, state, links: new Map() });
    $("show-invite").addEventListener("click", () => this.open());
  }

  open() {
    for (const role of ROLES) if (!this.links.has(role)) this.talk.parley.send({ type: "parley.room.invite", role });
    $("invite-local").hidden = !OF_THIS_DEVICE.test(location.hostname);
    $("invite").showModal();
  }

  // Of another conversation they are others.
  forget() {
    this.links.clear();
    $("invitations").replaceChildren();
  }

  take({ type, token, role }) {
    if (type !== "parley.room.invitation" || this.links.has(role)) return;
    const link = this.link(token, role);
    this.links.set(role, link);
    const card = this.card(role, link);
    if (role === "speaker") $("invitations").prepend(card);
    else $("invitations").append(card);
  }

  // Behind the "#", so that no log has it. It opens the server to its guests, so that none of them needs the key.
  link(token, role) {
    const found = new URL("debate", document.baseURI);
    const parts = new URLSearchParams({ room: token, ...(role === "listener" ? { listen: "1" } : {}) });
    found.hash = `${parts}&name=`;
    return found.href;
  }

  card(role, link) {
    const field = el("input", { readOnly: true, value: link, "aria-label": say(`invite.${role}_link`) });
    field.addEventListener("focus", () => field.select());
    const button = el("button", { type: "button", className: "primary" }, say("invite.copy"));
    put(button, say(`invite.${role}_copy`), "aria-label");
    button.addEventListener("click", async () => {
      await copy(link);
      put(button, say("transcript.copied"));
      setTimeout(() => put(button, say("invite.copy")), COPIED_MS);
    });
    const picture = el("img", { className: "qr", alt: say(`invite.${role}_qr`), hidden: true });
    this.draw(picture, link);
    return el("section", {}, el("h3", {}, say(`invite.${role}`)), el("p", { className: "soft" }, say(`invite.${role}_how`)), el("div", { className: "row" }, field, button), picture);
  }

  async draw(picture, link) {
    const answer = await fetch("v1/parley/qr", {
      method: "POST", headers: { "Content-Type": "application/json", ...this.about.headers }, body: JSON.stringify({ text: link }),
    });
    if (!answer.ok) return; // the link is there
    picture.src = `data:image/svg+xml,${encodeURIComponent(await answer.text())}`;
    picture.hidden = false;
  }
}
