// What the server tells of itself: models and voices, whether it wants a key, what is down.
import { given } from "./address.js";
import { explain } from "./faults.js";
import { tab } from "./store.js";
import { put, say } from "./strings.js";

const $ = (id) => document.getElementById(id);
const KEY = "parley-key";
const SENDABLE = /^[\w!#$%&'*+.^`|~-]+$/; // by browsers, as a WebSocket's subprotocol
const LOOKS_EVERY_MS = 2000; // while a model is coming, or the server has not answered
const ANSWERS_WITHIN_MS = 4000;
const PARTS = ["llm", "asr", "tts", "vad"];

export class About {
  // `invitation`: it opens the server, too, to whoever has no key.
  constructor({ notice, filled, told, invitation = null }) {
    this.notice = notice;
    this.invitation = invitation;
    this.filled = filled; // called with the server's answer when it has another one
    this.told = told; // called with every answer; returns whether something is coming, which is looked at again soon
    this.server = {};
    if (given.key) tab.setItem(KEY, given.key);
    $("key-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      tab.setItem(KEY, $("key").value.trim());
      $("key-form").hidden = true;
      if (await this.ask()) $("connect").focus();
    });
  }

  get key() {
    return tab.getItem(KEY) ?? this.invitation;
  }

  get headers() {
    return this.key ? { Authorization: `Bearer ${this.key}` } : {};
  }

  // Returns whether the server let us in.
  async ask() {
    clearTimeout(this.again);
    if (this.key && !SENDABLE.test(this.key)) return this.askForKey();
    let answer;
    try {
      answer = await fetch("v1/parley", { headers: this.headers, signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
      if (answer.status === 401) return this.askForKey();
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      answer = await answer.json();
    } catch (fault) {
      console.warn("the server did not tell of itself; it is asked again:", fault);
      this.askAgain();
      return false;
    }
    const before = this.server;
    this.server = answer;
    if (before.version === undefined || this.news(before)) this.filled(this.server);
    if (this.told(answer)) this.askAgain();
    return true;
  }

  news(before) {
    return ["voices", "llms", "recognizers", "models"].some((name) => JSON.stringify(before[name]) !== JSON.stringify(this.server[name]));
  }

  askAgain() {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.ask(), LOOKS_EVERY_MS);
  }

  askForKey() {
    const { key } = this;
    if (key && key === this.invitation) {
      this.notice.complain(explain("no_room").words, { topic: "talk" });
      return false;
    }
    tab.removeItem(KEY);
    let words = say("key.asked");
    if (key) words = SENDABLE.test(key) ? say("key.refused") : explain("unsendable_key").words;
    put($("key-label"), words);
    $("key-form").hidden = false;
    $("key").value = "";
    $("key").focus();
    return false;
  }

  // Without these parts nobody is answered; the server tries by itself to get them back.
  down(parts) {
    const needed = parts.filter((part) => PARTS.includes(part)).map((part) => say(`connection.part_${part}`));
    if (!needed.length) return this.notice.clear("down");
    const all = needed.reduce((first, last) => say("connection.and", { first, last }));
    this.notice.complain(say("connection.down", { parts: all }), { topic: "down" });
  }
}
