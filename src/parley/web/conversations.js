// Conversations kept in this browser: one entry of the local storage each, so that two tabs do not overwrite each other's.
import { keep, kept, tab } from "./store.js";
import { moment, say } from "./strings.js";

const PREFIX = "parley-conversation-";
const CURRENT = "parley-current"; // of this tab, so that a reload shows what was there
const LONGEST_TITLE = 60;

export class Conversations {
  constructor(full) {
    this.full = full; // called when the browser keeps no more
  }

  // All, the latest first: {id, title, changed}.
  list() {
    const names = Array.from({ length: kept.length }, (_, at) => kept.key(at)).filter((name) => name.startsWith(PREFIX));
    return names.map((name) => this.read(name.slice(PREFIX.length))).filter(Boolean).sort((a, b) => b.changed - a.changed);
  }

  read(id) {
    try {
      const found = JSON.parse(kept.getItem(PREFIX + id));
      return found && Array.isArray(found.entries) ? { ...found, id, title: found.name || titleOf(found) } : null;
    } catch {
      return null; // something else of that name
    }
  }

  write({ id, name = "", entries, changed = Date.now() }) {
    if (!keep(PREFIX + id, JSON.stringify({ name, entries, changed }))) this.full();
  }

  remove(id) {
    kept.removeItem(PREFIX + id);
  }

  get current() {
    return tab.getItem(CURRENT) ?? this.begin();
  }

  set current(id) {
    tab.setItem(CURRENT, id);
  }

  begin() {
    this.current = `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    return this.current;
  }
}

function titleOf({ entries, changed }) {
  const first = entries.find(({ who, lost, text }) => who === "you" && !lost && text)?.text;
  if (!first) return say("conversations.of_day", { day: moment(changed, { dateStyle: "medium" }) });
  return first.length > LONGEST_TITLE ? `${first.slice(0, LONGEST_TITLE - 1)}…` : first;
}
