// Who argues and who leads: names, sides, voices, characters.
import { $, choices, el } from "./dom.js";
import { initials } from "./debate-state.js";
import { icon } from "./icon.js";
import { modelName, voiceNames } from "./names.js";
import { known, say } from "./strings.js";
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
    $("debaters").replaceChildren(...this.debaters.map((one, at) => this.card(one, say("setup.debater", { number: at + 1 }), at)));
    $("moderator").replaceChildren(this.card(this.lead, say("setup.moderator"), null));
    $("moderator-part").hidden = !this.format.moderator;
    $("add-debater").hidden = this.debaters.length >= MOST;
  }

  card(one, who, at) {
    const { sides } = this.format;
    const face = el("span", { className: "face", "aria-hidden": "true" });
    const card = el("li", { className: "speaker" });
    const show = () => {
      face.textContent = initials(one.name || "?");
      card.dataset.side = at === null ? "moderator" : String(sides.indexOf(one.side));
    };
    const changed = () => (show(), this.changed());
    const name = el("input", { value: one.name ?? "", maxLength: 40, "aria-label": say("setup.name_of", { who }) });
    name.addEventListener("input", () => ((one.name = name.value), changed()));
    const side = at === null ? null : this.choice(say("setup.side_of", { who }), sides.map((id) => [id, known("formats", id)]), one.side, (id) => ((one.side = id), changed()));
    const remove = at === null || this.debaters.length < 2 ? null : el("button", { type: "button", className: "icon tiny", "aria-label": say("setup.remove", { name: one.name || who }) }, icon("trash"));
    remove?.addEventListener("click", () => {
      this.debaters.splice(at, 1);
      this.drawn();
      $("add-debater").focus(); // the button that was pressed is gone
    });
    card.append(face, el("div", { className: "who-it-is" }, name, ...(side ? [side] : [])), ...(remove ? [remove] : []), this.voice(one, who), this.character(one, who));
    show();
    return card;
  }

  choice(label, options, value, chosen) {
    const select = el("select", { "aria-label": label });
    choices(select, options);
    select.value = value;
    select.addEventListener("change", () => chosen(select.value));
    return select;
  }

  voice(one, who) {
    const { voices, details = {} } = this.server;
    const names = voiceNames(voices, details);
    if (one.voice && !voices.includes(one.voice)) delete one.voice; // of another server
    const options = [["", say("setup.own_voice")], ...voices.map((id) => [id, names.get(id).long])];
    const listen = el("button", { type: "button", className: "icon tiny", data: { picture: "play" }, "aria-label": say("setup.listen_to", { who }) }, icon("play"));
    const show = () => (listen.hidden = !one.voice);
    const select = this.choice(say("setup.voice_of", { who }), options, one.voice ?? "", (id) => {
      one.voice = id || undefined;
      show();
      this.changed();
    });
    listen.addEventListener("click", () => this.preview.play([{ id: one.voice, language: details[one.voice]?.languages[0] }], listen));
    show();
    return el("div", { className: "voice-choice" }, select, listen);
  }

  character(one, who) {
    const { llms } = this.server;
    const words = el("textarea", { rows: 2, maxLength: 4000, value: one.instructions ?? "", placeholder: say("setup.character_example") });
    words.addEventListener("input", () => ((one.instructions = words.value || undefined), this.changed()));
    if (one.model && !llms.includes(one.model)) delete one.model;
    const models = [["", say("setup.same_model")], ...llms.map((id) => [id, modelName(id)])];
    const model = this.choice(say("setup.model_of", { who }), models, one.model ?? "", (id) => ((one.model = id || undefined), this.changed()));
    return el("details", {},
      el("summary", {}, say(llms.length > 1 ? "setup.character_and_model" : "setup.character")),
      el("label", {}, say("setup.character"), words),
      ...(llms.length > 1 ? [el("label", {}, say("settings.llm"), model)] : []),
    );
  }

  get wanted() {
    const plain = ({ name, ...more }) => ({ ...more, ...(name?.trim() ? { name: name.trim() } : {}) });
    return { debaters: this.debaters.map(plain), ...(this.format.moderator ? { moderator: plain(this.lead) } : {}) };
  }
}
