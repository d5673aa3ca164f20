// Who argues and who leads: names, sides, voices, characters.
import { $, el } from "./dom.js";
import { initials } from "./debate-state.js";
import { icon } from "./icon.js";
import { modelName, voiceNames } from "./names.js";
import { Preview } from "./voice-preview.js";

const NAMES = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn"];
const LEADS = "Mona";
const MOST = 6;

export class Speakers {
  constructor({ headers, fault, changed }) {
    this.preview = new Preview({ headers, fault });
    this.changed = changed; // called when somebody changed something
    this.server = { voices: [], llms: [], details: {} };
    this.debaters = []; // {name, side, voice, model, instructions}
    this.lead = { name: LEADS };
    $("add-debater").addEventListener("click", () => {
      this.debaters.push({ name: this.freeName });
      this.drawn();
      $("debaters").lastChild.querySelector("input").focus();
    });
  }

  get freeName() {
    const taken = new Set(this.debaters.map(({ name }) => name.toLowerCase()));
    return NAMES.find((name) => !taken.has(name.toLowerCase())) ?? "";
  }

  // Another format: as many as it wants, those that are there already first.
  follow(format, { cut }) {
    this.format = format;
    const { sides, debaters } = format;
    if (cut) this.debaters.length = Math.min(this.debaters.length, debaters);
    while (this.debaters.length < debaters) this.debaters.push({ name: this.freeName });
    this.debaters.forEach((one, at) => sides.includes(one.side) || (one.side = sides[at % sides.length]));
    this.draw();
  }

  know(server) {
    this.server = server;
    if (this.format) this.draw();
  }

  drawn() {
    this.debaters.forEach((one, at) => (one.side ??= this.format.sides[at % this.format.sides.length]));
    this.draw();
    this.changed();
  }

  draw() {
    $("debaters").replaceChildren(...this.debaters.map((one, at) => this.card(one, `Debater ${at + 1}`, at)));
    $("moderator").replaceChildren(this.card(this.lead, "Moderator", null));
    $("moderator-part").hidden = !this.format.moderator;
    $("add-debater").hidden = this.debaters.length >= MOST;
  }

  card(one, called, at) {
    const { sides } = this.format;
    const face = el("span", { className: "face", "aria-hidden": "true" });
    const card = el("li", { className: "speaker" });
    const show = () => {
      face.textContent = initials(one.name || "?");
      card.dataset.side = at === null ? "moderator" : String(sides.indexOf(one.side));
    };
    const changed = () => (show(), this.changed());
    const name = el("input", { value: one.name ?? "", maxLength: 40, "aria-label": `${called}: name` });
    name.addEventListener("input", () => ((one.name = name.value), changed()));
    const side = at === null ? null : this.choice(`${called}: side`, sides.map((id) => [id, id]), one.side, (id) => ((one.side = id), changed()));
    const remove = at === null || this.debaters.length < 2 ? null : el("button", { type: "button", className: "icon tiny", "aria-label": `Remove ${one.name || called}` }, icon("trash"));
    remove?.addEventListener("click", () => {
      this.debaters.splice(at, 1);
      this.drawn();
      $("add-debater").focus(); // the button that was pressed is gone
    });
    card.append(face, el("div", { className: "who-it-is" }, name, ...(side ? [side] : [])), ...(remove ? [remove] : []), this.voice(one, called), this.character(one, called));
    show();
    return card;
  }

  choice(label, options, value, chosen) {
    const select = el("select", { "aria-label": label }, ...options.map(([id, text]) => new Option(text, id, false, id === value)));
    select.addEventListener("change", () => chosen(select.value));
    return select;
  }

  voice(one, called) {
    const { voices, details = {} } = this.server;
    const names = voiceNames(voices, details);
    if (one.voice && !voices.includes(one.voice)) delete one.voice; // of another server
    const options = [["", "A voice of its own"], ...voices.map((id) => [id, names.get(id).long])];
    const listen = el("button", { type: "button", className: "icon tiny", "aria-label": `${called}: listen to the voice` }, icon("play"));
    const show = () => (listen.hidden = !one.voice);
    const select = this.choice(`${called}: voice`, options, one.voice ?? "", (id) => {
      one.voice = id || undefined;
      show();
      this.changed();
    });
    listen.addEventListener("click", () => this.preview.play(one.voice, listen, details[one.voice]?.languages[0]));
    show();
    return el("div", { className: "voice-choice" }, select, listen);
  }

  character(one, called) {
    const { llms } = this.server;
    const words = el("textarea", { rows: 2, maxLength: 4000, value: one.instructions ?? "", placeholder: "A retired sailor who loves proverbs" });
    words.addEventListener("input", () => ((one.instructions = words.value || undefined), this.changed()));
    if (one.model && !llms.includes(one.model)) delete one.model;
    const models = [["", "The one that answers here"], ...llms.map((id) => [id, modelName(id)])];
    const model = this.choice(`${called}: language model`, models, one.model ?? "", (id) => ((one.model = id || undefined), this.changed()));
    return el("details", {},
      el("summary", {}, llms.length > 1 ? "Character and model" : "Character"),
      el("label", {}, "Character", words),
      ...(llms.length > 1 ? [el("label", {}, "Language model", model)] : []),
    );
  }

  get wanted() {
    const plain = ({ name, ...more }) => ({ ...more, ...(name?.trim() ? { name: name.trim() } : {}) });
    return { debaters: this.debaters.map(plain), ...(this.format.moderator ? { moderator: plain(this.lead) } : {}) };
  }
}
