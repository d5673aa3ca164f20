// A voice that was chosen and is not in memory: it is loaded while the one before it speaks, or it cannot be had.
import { say } from "./strings.js";

const TOPIC = "voice";

export class VoiceChange {
  constructor({ settings, notice }) {
    this.settings = settings;
    this.notice = notice;
    this.chosen = ""; // what the session is set to
    this.before = ""; // what spoke when that was chosen
    this.loading = new Set();
    this.why = "";
  }

  take(event) {
    if (event.type === "session.created" || event.type === "session.updated") this.choose(event.session.audio.output.voice);
    if (event.type === "error" && event.error.code === "voice_unavailable") this.why = event.error.message;
    if (event.type === "parley.voice") this[event.state](event.voice); // coming, here or failed
  }

  choose(voice) {
    if (voice === this.chosen) return;
    if (!this.loading.has(this.chosen)) this.before = this.chosen;
    this.chosen = voice;
    this.notice.clear(TOPIC);
    if (this.loading.has(voice)) this.tell(voice);
  }

  coming(voice) {
    this.loading.add(voice);
    if (voice === this.chosen) this.tell(voice); // else it is told when the session is set to it
  }

  tell(voice) {
    const before = this.before && this.settings.voiceName(this.before);
    this.notice.tell(say(before ? "voices.coming" : "voices.coming_first", { voice: this.settings.voiceName(voice), before }), { topic: TOPIC });
  }

  here(voice) {
    this.loading.delete(voice);
    if (voice === this.chosen) this.notice.clear(TOPIC);
  }

  // The choice is taken back: the server would try the voice again with every answer.
  failed(voice) {
    this.loading.delete(voice);
    if (voice !== this.chosen || !this.before) return;
    const { settings, before, why } = this;
    settings.choose(before);
    this.chosen = before;
    this.notice.complain(say("voices.cannot", { voice: settings.voiceName(voice), before: settings.voiceName(before), why }), {
      topic: TOPIC, action: say("page.try_again"), act: () => settings.choose(voice),
    });
  }
}
