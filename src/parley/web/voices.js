// Voices to choose from: each is heard alone or behind the chosen one, all on one sentence if the user writes one.
import { el } from "./dom.js";
import { icon } from "./icon.js";
import { shortVoiceName, voiceNames } from "./names.js";
import { put, say } from "./strings.js";
import { Preview } from "./voice-preview.js";

const $ = (id) => document.getElementById(id);

export class Voices {
  constructor({ headers, fault, changed }) {
    this.preview = new Preview({ headers, fault });
    this.changed = changed; // called with the id that was chosen
    this.names = new Map();
  }

  fill(ids, details, chosen) {
    this.names = voiceNames(ids, details);
    this.details = details;
    $("voices").replaceChildren(...ids.map((id) => this.row(id, this.names.get(id), id === chosen)));
    this.mark(chosen);
  }

  name(id) {
    return this.names.get(id)?.short ?? shortVoiceName(id);
  }

  check(id) {
    for (const radio of $("voices").querySelectorAll("input[name=voice]")) radio.checked = radio.value === id;
    this.mark(id);
  }

  // Nothing is compared with itself.
  mark(chosen) {
    this.chosen = chosen;
    for (const button of $("voices").querySelectorAll(".compare")) button.disabled = button.dataset.voice === chosen;
  }

  row(id, { short, long }, checked) {
    const row = document.createElement("div");
    row.className = "voice";
    const label = document.createElement("label");
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "voice", value: id, checked });
    radio.addEventListener("change", () => this.changed(id));
    const name = document.createElement("span");
    put(name, long);
    label.append(radio, name);
    const compare = this.button("compare", say("voices.compare", { name: short }), () => [this.chosen, id]);
    compare.classList.add("compare");
    compare.dataset.voice = id;
    row.append(label, compare, this.button("play", say("voices.listen", { name: short }), () => [id]));
    return row;
  }

  button(picture, words, ids) {
    const button = el("button", { type: "button", className: "icon tiny", data: { picture }, "aria-label": words, title: words }, icon(picture));
    button.addEventListener("click", () => {
      const voices = ids().map((id) => ({ id, language: this.details[id]?.languages[0] }));
      this.preview.play(voices, button, $("voice-sentence").value.trim());
    });
    return button;
  }

  stop() {
    this.preview.stop();
  }
}
