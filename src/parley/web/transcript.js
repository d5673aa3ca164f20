// What was said: words not yet spoken are pale, words never heard are struck out, a line where a connection began.
import { copyButton } from "./copying.js";
import { moment, put, say } from "./strings.js";

const TOLD_ITEMS = 100; // the server is told so many of an old conversation's items ...
const TOLD_CHARS = 16_000; // ... and so much of their text
const CLOCK = { hour: "2-digit", minute: "2-digit" };
const ID = "kept_"; // of items that the server is told: they stand here already

export class Transcript extends EventTarget {
  constructor(list) {
    super();
    this.list = list;
    this.clear();
  }

  clear() {
    this.entries = []; // {who: "you" | "parley" | "line", text, heard, at, ...} in order
    this.answers = new Map(); // response -> entry
    this.agents = new Map(); // response -> the name of who answers, where there are several
    this.beside = new Set(); // responses that are no answers to the user
    this.turns = new Map(); // item -> entry
    this.list.replaceChildren();
  }

  load(entries) {
    this.clear();
    this.loading = true;
    for (const entry of entries) this.add({ ...entry, done: true });
    this.loading = false;
  }

  get empty() {
    return this.entries.length === 0;
  }

  take(event) {
    const by = event.parley?.participant ? { name: event.parley.participant } : {};
    if (this.beside.has(event.response_id)) return; // a delegate's words are for the model that talks
    switch (event.type) {
      case "response.created":
        if (event.response.metadata?.parley === "delegate") this.beside.add(event.response.id);
        return void this.agents.set(event.response.id, event.response.parley?.agent ?? "");
      case "input_audio_buffer.speech_started":
        return this.turn(event.item_id, { ...by, coming: true });
      case "conversation.item.added":
        return this.typed(event.item);
      case "conversation.item.deleted":
        return this.forget(event.item_id);
      case "input_audio_buffer.cleared":
        return this.dropTurns();
      case "parley.input.words":
        return this.turn(event.item_id, { ...by, text: event.text, coming: true });
      case "conversation.item.input_audio_transcription.completed":
        return this.turn(event.item_id, { ...by, text: event.transcript || String(say("transcript.nothing")), coming: false, lost: !event.transcript });
      case "conversation.item.input_audio_transcription.failed":
        return this.turn(event.item_id, { ...by, text: String(say("transcript.failed")), coming: false, lost: true });
      case "response.output_audio_transcript.delta":
      case "response.output_text.delta":
        return this.change(this.answer(event.response_id), (answer) => {
          answer.text += event.delta;
          answer.item = event.item_id;
        });
      case "parley.response.words":
        return void this.answer(event.response_id).words.push(...event.words);
      case "parley.waterfall":
        return this.change(this.answer(event.response_id), (answer) => (answer.ms = event.total_ms));
      case "parley.playout.flush":
      case "output_audio_buffer.cleared":
        return this.cut(event.response_id);
      case "response.output_audio_transcript.done":
        return this.settle(event.response_id, event.transcript);
      case "response.output_text.done":
        return this.settle(event.response_id, event.text);
      case "parley.response.heard":
        return this.settle(event.response_id, event.heard_text);
    }
  }

  typed({ id, role, content, parley }) {
    if (role === "user" && content[0]?.type === "input_text" && !id.startsWith(ID)) {
      this.turn(id, { name: parley?.speaker ?? "", text: content[0].text, coming: false });
    }
  }

  turn(item, changes) {
    if (!this.turns.has(item)) this.turns.set(item, this.add({ who: "you", name: changes.name ?? "", text: "", at: Date.now() }));
    this.change(this.turns.get(item), (turn) => Object.assign(turn, changes));
  }

  answer(response) {
    if (!this.answers.has(response)) {
      const name = this.agents.get(response) ?? "";
      this.answers.set(response, this.add({ who: "parley", name, text: "", words: [], heard: 0, at: Date.now(), done: false }));
    }
    return this.answers.get(response);
  }

  heardUntil(response, audioMs) {
    const answer = this.answers.get(response);
    if (!answer || answer.done) return;
    const heard = answer.words.reduce((most, [end, at]) => (at <= audioMs ? Math.max(most, end) : most), answer.heard);
    if (heard > answer.heard) this.change(answer, () => (answer.heard = heard));
  }

  // It will say no more: how much was heard to the word follows.
  cut(response) {
    const answer = this.answers.get(response);
    if (answer) this.change(answer, () => (answer.cut = true));
  }

  settle(response, heardText) {
    this.change(this.answer(response), (answer) => Object.assign(answer, { done: true, heard: heardText.length }));
  }

  // A connection that could not be taken up again leaves turns and answers that nothing more will be heard of.
  drop() {
    for (const turn of this.turns.values()) if (turn.coming && turn.text) this.change(turn, () => (turn.coming = false));
    this.dropTurns();
    for (const answer of this.answers.values()) if (!answer.done) this.change(answer, () => (answer.done = true));
  }

  // It is no part of the conversation any more; what still comes for it changes nothing.
  forget(item) {
    const entry = this.turns.get(item) ?? [...this.answers.values()].find((answer) => answer.item === item);
    if (!entry) return;
    entry.line.remove();
    this.entries = this.entries.filter((kept) => kept !== entry);
    this.dispatchEvent(new Event("changed"));
  }

  // Of turns that were begun nothing will come.
  dropTurns() {
    for (const [item, turn] of this.turns) {
      if (!turn.coming) continue;
      turn.line.remove();
      this.turns.delete(item);
    }
    this.entries = this.entries.filter(({ line }) => line.isConnected);
  }

  // A line: from here on it was another connection.
  mark() {
    if (!this.empty && this.entries.at(-1).who !== "line") this.add({ who: "line", at: Date.now() });
  }

  add(entry) {
    const line = document.createElement("li");
    line.className = entry.who;
    Object.defineProperty(entry, "line", { value: line }); // kept out of what is stored
    this.entries.push(entry);
    if (entry.who === "line") put(line, say("transcript.new_connection", { time: moment(entry.at, CLOCK) }));
    else line.append(...parts(entry));
    this.list.append(line);
    this.change(entry, () => {});
    return entry;
  }

  change(entry, how) {
    how(entry);
    if (entry.who !== "line") draw(entry);
    if (!this.loading) this.dispatchEvent(new Event("changed"));
  }

  // For the store: no more than can be drawn again.
  kept() {
    const worth = this.entries.filter(({ who, text, lost, coming }) => who === "line" || (text && !lost && !coming));
    return worth.map(({ who, text, heard, at, ms }) => ({ who, text, heard, at, ms }));
  }

  // For a server that does not know the conversation: what was said and heard, the latest of it.
  items() {
    const found = [];
    let chars = 0;
    for (const { who, text, heard, lost } of [...this.entries].reverse()) {
      const said = who === "parley" ? text.slice(0, heard).trim() : text;
      if (who === "line" || lost || !said) continue;
      chars += said.length;
      if (found.length >= TOLD_ITEMS || chars > TOLD_CHARS) break;
      const [role, type] = who === "you" ? ["user", "input_text"] : ["assistant", "output_text"];
      found.unshift({ type: "message", role, content: [{ type, text: said }] });
    }
    return found.map((item) => ({ id: `${ID}${crypto.getRandomValues(new Uint32Array(2)).join("")}`, ...item }));
  }
}

function parts(entry) {
  const part = (name, content = "", element = "span") => {
    const made = document.createElement(element);
    made.className = name;
    put(made, content);
    return made;
  };
  const bubble = part("bubble", "", "p");
  bubble.dir = "auto"; // of its own language
  bubble.append(part("said"), part("rest"));
  const tools = part("tools");
  tools.append(copyButton(() => entry.text), part("at", moment(entry.at, CLOCK)), part("time"));
  return [part("who", entry.who === "you" ? say("transcript.you") : entry.who), bubble, tools];
}

function draw({ line, who, text, heard, done, cut, coming, lost, ms }) {
  const said = line.querySelector(".said");
  const rest = line.querySelector(".rest");
  const until = who === "parley" ? heard + text.slice(heard).search(/\S|$/) : text.length; // blanks are not struck out
  said.textContent = text.slice(0, until);
  line.classList.toggle("forming", Boolean(coming));
  line.classList.toggle("lost", Boolean(lost));
  if (who === "parley") {
    line.hidden = !text; // it was ended before it said a word
    rest.textContent = text.slice(until);
    rest.className = done || cut ? "rest unheard" : "rest coming";
  }
  if (ms !== undefined) put(line.querySelector(".time"), say("transcript.ms", { ms }));
}

// Everything that was said and heard, for a file.
export function plainText(entries) {
  const line = ({ who, text, heard, at }) => {
    if (who === "line") return say("transcript.file_line", { time: moment(at, { dateStyle: "short", timeStyle: "medium" }) });
    if (who === "you") return say("transcript.file_you", { text });
    const unheard = text.slice(heard).trim();
    return say(unheard ? "transcript.file_unheard" : "transcript.file_parley", { text: text.slice(0, heard), unheard });
  };
  return `${entries.map(line).join("\n")}\n`;
}
