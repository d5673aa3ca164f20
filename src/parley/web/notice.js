// The one place for what went wrong and what was done: words, perhaps a button, closed by hand or by what mends it.
import { put, say } from "./strings.js";

const $ = (id) => document.getElementById(id);

export class Notice {
  constructor() {
    this.topic = "";
    document.addEventListener("close", () => this.place(), { capture: true }); // of a drawer; it does not bubble
    $("notice-close").addEventListener("click", () => this.clear());
    $("notice-action").addEventListener("click", () => {
      const { act } = this;
      this.clear();
      act();
    });
  }

  // Something is wrong. `topic`: what may `clear` it later; `aside`: words behind it that screen readers leave out.
  complain(message, options = {}) {
    this.show("error", message, options);
  }

  tell(message, options = {}) {
    this.show("info", message, options);
  }

  full() {
    this.complain(say("page.full"), { topic: "full" });
  }

  show(kind, message, { action = "", act = null, topic = "", aside = "" }) {
    this.topic = topic;
    this.act = act;
    this.place();
    $("notice").hidden = false;
    $("notice").dataset.kind = kind;
    put($("notice-words"), message);
    put($("notice-aside"), aside);
    $("notice-action").hidden = !action;
    put($("notice-action"), action);
  }

  // Where it is seen: what lies behind an open drawer is out of reach.
  place() {
    const head = document.querySelector("dialog:modal .head");
    if (head) head.after($("notice"));
    else if (!$("dock").contains($("notice"))) $("dock").prepend($("notice"));
  }

  clear(topic = this.topic) {
    if (topic !== this.topic) return;
    $("notice").hidden = true;
    for (const id of ["notice-words", "notice-aside"]) put($(id), "");
    this.topic = "";
  }
}
