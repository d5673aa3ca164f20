// Voices to choose from, each with a button that lets it be heard.
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
    $("voices").replaceChildren(...ids.map((id) => this.row(id, this.names.get(id), details[id], id === chosen)));
  }

  name(id) {
    return this.names.get(id)?.short ?? shortVoiceName(id);
  }

  check(id) {
    for (const radio of $("voices").querySelectorAll("input[name=voice]")) radio.checked = radio.value === id;
  }

  row(id, { short, long }, details, checked) {
    const row = document.createElement("div");
    row.className = "voice";
    const label = document.createElement("label");
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "voice", value: id, checked });
    radio.addEventListener("change", () => this.changed(id));
    const name = document.createElement("span");
    put(name, long);
    label.append(radio, name);
    const listen = document.createElement("button");
    listen.type = "button";
    listen.className = "icon tiny";
    put(listen, say("voices.listen", { name: short }), "aria-label");
    listen.append(icon("play"));
    listen.addEventListener("click", () => this.preview.play(id, listen, details?.languages[0]));
    row.append(label, listen);
    return row;
  }

  stop() {
    this.preview.stop();
  }
}
