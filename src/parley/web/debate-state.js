// How a debate stands, as the server tells it: the debate itself, who is here, what is recorded. Event: "changed".
import { say } from "./strings.js";

const HOSTS_WITHOUT_NAME = "user";
const NO_RECORDING = { state: "off", asked: [], consented: [], seconds: 0, url: null };

export class DebateState extends EventTarget {
  constructor({ invited }) {
    super();
    this.invited = invited; // whether somebody else began it
    this.clear();
  }

  clear() {
    this.debate = null;
    this.room = { people: [], agents: [], listeners: [] };
    this.recording = NO_RECORDING;
    this.at = 0;
    this.recordingAt = 0;
    this.agents = new Map(); // response -> who says it
    this.response = null; // that sounds
    this.talking = new Set(); // people
    this.changed();
  }

  take(event) {
    switch (event.type) {
      case "parley.debate.updated":
        this.debate = event.debate;
        this.at = performance.now();
        return this.changed();
      case "parley.room.updated":
        this.room = event.room;
        return this.changed();
      case "parley.recording.updated":
        this.recording = event.recording;
        this.recordingAt = performance.now();
        return this.changed();
      case "response.created":
        return void this.agents.set(event.response.id, event.response.parley?.agent ?? "");
      case "response.done":
        if (event.response.id === this.response) this.sounds(null);
        return;
      case "input_audio_buffer.speech_started":
        return this.talks(event, true);
      case "input_audio_buffer.speech_stopped":
      case "input_audio_buffer.committed":
      case "input_audio_buffer.cleared":
        return this.talks(event, false);
    }
  }

  talks({ parley }, on) {
    const name = parley?.participant ?? "";
    if (on) this.talking.add(name);
    else if (!this.talking.delete(name)) return;
    this.changed();
  }

  sounds(response) {
    if (response === this.response) return;
    this.response = response;
    this.changed();
  }

  // The next debate is prepared; what came of the last one is put away.
  putAway() {
    this.debate = null;
    this.changed();
  }

  get phase() {
    if (this.debate) return this.debate.state === "over" ? "over" : "running";
    return this.invited ? "door" : "setup";
  }

  get role() {
    return this.room.you?.role ?? (this.invited ? "speaker" : "host");
  }

  get me() {
    return this.room.you?.name ?? "";
  }

  get members() {
    return this.room.members ?? [];
  }

  // Who is heard now: an agent, or a person.
  get speaking() {
    const [person] = this.talking;
    if (person !== undefined) return person;
    return this.agents.get(this.response) || null;
  }

  get spentS() {
    const { speaker, speaking_s: before = 0 } = this.debate ?? {};
    return speaker ? before + this.sinceS : 0;
  }

  get elapsedS() {
    return (this.debate?.elapsed_s ?? 0) + (this.phase === "running" ? this.sinceS : 0);
  }

  get sinceS() {
    return (performance.now() - this.at) / 1000;
  }

  // "0", "1" ... of the debate's sides, "moderator", "person": what the style sheet colours by.
  colour(name) {
    const found = this.debate?.debaters.find((debater) => debater.name === name);
    if (found) return String(Math.max(0, this.debate.sides.indexOf(found.side)));
    return name && name === this.debate?.moderator ? "moderator" : "person";
  }

  called(name) {
    return name === HOSTS_WITHOUT_NAME ? say("setup.host") : name;
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
  }
}

export function initials(name) {
  const words = String(name).trim().split(/\s+/);
  const first = (word = "") => [...word][0] ?? "?"; // not half of a letter
  return (words.length > 1 ? first(words[0]) + first(words.at(-1)) : first(words[0])).toUpperCase();
}
