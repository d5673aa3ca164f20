// What was said in a debate: the same as of a conversation, with a name and a side each.
import { put } from "./strings.js";
import { Transcript } from "./transcript.js";

export class DebateTranscript extends Transcript {
  constructor(list, state) {
    super(list);
    this.state = state;
  }

  take(event) {
    if (event.type === "parley.room.items") return this.before(event.items);
    super.take(event);
  }

  // What was said before this page came, or while it was away.
  before(items) {
    const known = new Set([...this.turns.keys(), ...this.entries.map(({ item }) => item)]);
    for (const { id, type, role, content, parley } of items) {
      const text = content?.[0]?.transcript ?? content?.[0]?.text ?? "";
      if (type !== "message" || role === "system" || !text || known.has(id)) continue;
      const who = role === "user" ? "you" : "parley";
      const entry = this.add({ who, name: parley?.speaker ?? "", text, heard: text.length, at: 0, done: true, item: id });
      if (who === "you") this.turns.set(id, entry);
    }
  }

  add(entry) {
    const added = super.add(entry);
    const { line } = added;
    if (entry.who === "line") return added;
    line.dataset.side = this.state.colour(entry.name);
    line.dataset.own = String(entry.who === "you" && entry.name === this.state.me);
    put(line.querySelector(".who"), this.state.called(entry.name));
    line.querySelector(".at").hidden = !entry.at;
    return added;
  }
}
