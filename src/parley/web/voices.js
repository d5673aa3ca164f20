// Voices to choose from, each with a button that lets it be heard.
import { icon, setIcon } from "./icon.js";
import { shortVoiceName, voiceNames } from "./names.js";
import { explain } from "./faults.js";

const SAYS = {
  en: (name) => `Hello, I am ${name}. This is how I sound.`,
  de: (name) => `Hallo, ich bin ${name}. So klinge ich.`,
  es: (name) => `Hola, soy ${name}. Así suena mi voz.`,
  fr: (name) => `Bonjour, je suis ${name}. Voici ma voix.`,
  hi: (name) => `नमस्ते, मैं ${name} हूँ। मेरी आवाज़ ऐसी है।`,
  te: (name) => `నమస్కారం, నేను ${name}. నా గొంతు ఇలా ఉంటుంది.`,
};

const $ = (id) => document.getElementById(id);

export class Voices {
  constructor({ headers, fault, changed }) {
    this.headers = headers; // a function
    this.fault = fault;
    this.changed = changed; // called with the id that was chosen
    this.sound = null;
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
    label.append(radio, long);
    const listen = document.createElement("button");
    listen.type = "button";
    listen.className = "icon tiny";
    listen.setAttribute("aria-label", `Listen to ${short}`);
    listen.append(icon("play"));
    const says = SAYS[details?.languages[0]] ?? SAYS.en;
    listen.addEventListener("click", () => this.preview(id, listen, says(shortVoiceName(id))));
    row.append(label, listen);
    return row;
  }

  async preview(id, button, input) {
    const again = this.sound?.button === button;
    this.stop();
    if (again) return;
    const audio = new Audio();
    const sound = this.sound = { button, audio, url: "" };
    button.dataset.playing = "true";
    setIcon(button.querySelector("use"), "stop");
    try {
      const answer = await fetch("v1/audio/speech", {
        method: "POST",
        headers: { "Content-Type": "application/json", ...this.headers() },
        body: JSON.stringify({ voice: id, response_format: "wav", input }),
      });
      if (!answer.ok) throw new Error((await answer.json()).error.message);
      if (this.sound !== sound) return; // another one is wanted by now
      sound.url = URL.createObjectURL(await answer.blob());
      audio.src = sound.url;
      audio.addEventListener("ended", () => this.sound === sound && this.stop());
      await audio.play();
    } catch (fault) {
      if (this.sound !== sound) return;
      this.stop();
      this.fault(explain("preview", `the voice could not be heard (${fault.message})`));
    }
  }

  stop() {
    if (!this.sound) return;
    const { button, audio, url } = this.sound;
    this.sound = null;
    audio.pause();
    URL.revokeObjectURL(url);
    delete button.dataset.playing;
    setIcon(button.querySelector("use"), "play");
  }
}
