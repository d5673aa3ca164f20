// Lets a voice be heard before it is chosen, or two in turn.
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

  // `voices`, {id, language} each, one after the other; `sentence`: what all say, else each introduces itself. A second press of the button stops it.
  async play(voices, button, sentence = "") {
    const again = this.sound?.button === button;
    this.stop();
    if (again) return;
    const picture = button.dataset.picture;
    const sound = this.sound = { button, picture, audio: new Audio(), url: "", over: () => {} };
    button.dataset.playing = "true";
    setIcon(button.querySelector("use"), "stop");
    try {
      for (const voice of voices) {
        const said = await this.said(voice, sentence);
        if (this.sound !== sound) return; // another one is wanted by now
        await this.sounds(sound, said);
        if (this.sound !== sound) return;
      }
      this.stop();
    } catch (fault) {
      if (this.sound !== sound) return;
      this.stop();
      this.fault(explain("preview", say("voices.not_heard", { why: fault.message })));
    }
  }

  async said({ id, language }, sentence) {
    const input = sentence || (SAYS[language] ?? SAYS.en)(shortVoiceName(id));
    const answer = await fetch("v1/audio/speech", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...this.headers() },
      body: JSON.stringify({ voice: id, response_format: "wav", input }),
    });
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    return answer.blob();
  }

  // Until its end, or until it is stopped.
  async sounds(sound, said) {
    const { audio } = sound;
    URL.revokeObjectURL(sound.url);
    audio.src = sound.url = URL.createObjectURL(said);
    const ended = new Promise((over) => (sound.over = over));
    audio.onended = sound.over;
    await audio.play();
    await ended;
  }

  stop() {
    if (!this.sound) return;
    const { button, picture, audio, url, over } = this.sound;
    this.sound = null;
    audio.pause();
    URL.revokeObjectURL(url);
    over();
    delete button.dataset.playing;
    setIcon(button.querySelector("use"), picture);
  }
}
