// Lets a voice be heard before it is chosen.
import { explain } from "./faults.js";
import { setIcon } from "./icon.js";
import { shortVoiceName } from "./names.js";
import { say } from "./strings.js";

// Of the voice's own language, whatever the page's is.
const SAYS = {
  en: (name) => `Hello, I am ${name}. This is how I sound.`,
  de: (name) => `Hallo, ich bin ${name}. So klinge ich.`,
  es: (name) => `Hola, soy ${name}. Así suena mi voz.`,
  fr: (name) => `Bonjour, je suis ${name}. Voici ma voix.`,
  hi: (name) => `नमस्ते, मैं ${name} हूँ। मेरी आवाज़ ऐसी है।`,
  te: (name) => `నమస్కారం, నేను ${name}. నా గొంతు ఇలా ఉంటుంది.`,
};

export class Preview {
  constructor({ headers, fault }) {
    this.headers = headers; // a function
    this.fault = fault;
    this.sound = null;
  }

  // A second press of its button stops it.
  async play(id, button, language) {
    const says = SAYS[language] ?? SAYS.en;
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
        body: JSON.stringify({ voice: id, response_format: "wav", input: says(shortVoiceName(id)) }),
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
      this.fault(explain("preview", say("voices.not_heard", { why: fault.message })));
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
