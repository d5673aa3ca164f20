// The list of conversations: open, rename, keep as a file, delete (and think better of it).
import { download } from "./copying.js";
import { icon } from "./icon.js";
import { keeps } from "./store.js";
import { moment, put, say } from "./strings.js";
import { plainText } from "./transcript.js";

const $ = (id) => document.getElementById(id);
const DAY = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };

export class ConversationList {
  constructor({ conversations, open, notice }) {
    this.conversations = conversations;
    this.open = open; // shows one; null: a new one
    this.notice = notice;
    $("new-conversation").addEventListener("click", () => open(null));
    if (!keeps) put($("kept-where"), say("conversations.not_kept"));
    window.addEventListener("storage", () => this.show()); // another tab's
    this.shape = "";
    this.show();
  }

  show() {
    if ($("conversation-list").querySelector("input")) return; // somebody types a name
    const found = this.conversations.list();
    this.first = found[0];
    const shape = JSON.stringify([found.map(({ id, title }) => [id, title]), this.conversations.current]);
    if (shape === this.shape) return; // whoever tabs through it stays where they are
    this.shape = shape;
    $("conversation-list").replaceChildren(...found.map((kept) => this.line(kept)));
  }

  // The one that is going on was kept once more: drawn anew only if that shows.
  grown(kept) {
    if (kept && (kept.id !== this.first?.id || String(kept.title) !== String(this.first.title))) this.show();
  }

  line(kept) {
    const line = document.createElement("li");
    line.dataset.id = kept.id;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "open";
    if (kept.id === this.conversations.current) button.setAttribute("aria-current", "true");
    const title = document.createElement("span");
    title.className = "title";
    put(title, kept.title);
    const when = document.createElement("span");
    when.className = "soft";
    put(when, moment(kept.changed, DAY));
    button.append(title, when);
    button.addEventListener("click", () => this.open(kept.id));
    line.append(
      button,
      tool("pencil", say("conversations.rename", kept), () => this.rename(line, kept)),
      tool("save", say("conversations.save", kept), () => save(kept)),
      tool("trash", say("conversations.delete", kept), () => this.remove(kept)),
    );
    return line;
  }

  rename(line, kept) {
    const input = document.createElement("input");
    input.value = kept.title;
    input.maxLength = 100;
    put(input, say("conversations.name"), "aria-label");
    let over = false;
    const end = (keep, stays) => {
      if (over) return;
      over = true;
      input.remove();
      const now = this.conversations.read(kept.id); // it may have grown
      if (keep && now) this.conversations.write({ ...now, name: input.value.trim() });
      this.shape = "";
      this.show();
      if (stays) $("conversation-list").querySelector(`[data-id="${CSS.escape(kept.id)}"] .open`)?.focus();
    };
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault(); // Escape would close the drawer
      event.stopPropagation();
      end(event.key === "Enter", true);
    });
    input.addEventListener("blur", () => end(true, false));
    line.replaceChildren(input);
    input.select();
    input.focus();
  }

  remove(kept) {
    const shown = kept.id === this.conversations.current;
    if (shown) this.open(null);
    this.conversations.remove(kept.id); // not before: what is shown is kept once more when another takes its place
    this.show();
    $("new-conversation").focus(); // the button that was pressed is gone
    this.notice.tell(say("conversations.deleted", kept), {
      action: say("conversations.undo"),
      act: () => {
        this.conversations.write(kept);
        if (shown) this.open(kept.id);
        this.show();
      },
    });
  }
}

function tool(name, words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon tiny";
  put(button, words, "aria-label");
  button.append(icon(name));
  button.addEventListener("click", act);
  return button;
}

function save(kept) {
  const day = new Date(kept.changed).toISOString().slice(0, 10);
  const name = String(kept.title).replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 40) || say("conversations.file");
  download(`${day}-${name}.txt`, plainText(kept.entries));
}
