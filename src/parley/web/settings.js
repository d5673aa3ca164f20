// The assistant and the devices: kept in this browser, sent when connected, changed in mid-conversation.
import { choices } from "./dom.js";
import { modelName, voiceCalled } from "./names.js";
import { keep, kept as stored } from "./store.js";
import { languageName, say } from "./strings.js";
import { Voices } from "./voices.js";

const $ = (id) => document.getElementById(id);
const STORE = "parley-settings";
const MOODS = ["", "happy", "sad", "angry", "calm", "any"]; // "": neutral
const MOST_COMMON = ["en", "te", "hi", "de", "fr", "es"]; // of a recogniser that knows them all

export class Settings {
  // Without a list of voices on the page, nothing of who answers is set by it either. `silent`: whether the microphone waits for something else.
  constructor({ talk, notice, headers, pushToTalk, silent = () => false }) {
    this.silent = silent;
    this.talk = talk;
    this.notice = notice;
    this.alone = Boolean($("voices")); // with one assistant
    this.pushToTalkChanged = pushToTalk; // called when that changes
    this.values = {
      mode: "hands-free", eagerness: "", llm: "", asr: "", speed: "1", emotion: "", language: "", persona: "", volume: "1", mic: "", speaker: "", noise: "",
    };
    this.voice = "";
    this.read();
    for (const name of this.shown) $(`set-${name}`).addEventListener("change", () => this.changed(name));
    $("set-volume").addEventListener("input", () => this.changed("volume"));
    $("show-settings").addEventListener("click", () => this.listDevices());
    if (this.alone) {
      this.voices = new Voices({ headers, fault: (fault) => notice.complain(fault.words), changed: (id) => this.choose(id) });
      $("set-speed").addEventListener("input", () => showSpeed($("set-speed").value));
      $("settings").addEventListener("close", () => this.voices.stop());
    }
    navigator.mediaDevices?.addEventListener("devicechange", () => this.listDevices());
    this.show();
  }

  read() {
    try {
      const { voice = "", developer = false, ...kept } = JSON.parse(stored.getItem(STORE) ?? "{}");
      for (const name of Object.keys(this.values)) if (typeof kept[name] === "string") this.values[name] = kept[name];
      Object.assign(this, { voice, developer });
    } catch {
      stored.removeItem(STORE);
    }
  }

  keep() {
    if (!keep(STORE, JSON.stringify({ ...this.values, voice: this.voice, developer: this.developer }))) this.notice.full();
  }

  // Those that this page has a control for; it leaves the others as they are.
  get shown() {
    return Object.keys(this.values).filter((name) => $(`set-${name}`));
  }

  get pushToTalk() {
    return this.values.mode === "push-to-talk";
  }

  get microphoneOptions() {
    return { microphone: this.values.mic || null, noiseSuppression: !this.values.noise };
  }

  fill({ voices, llms, recognizers, models, instructions, languages, language, details, emotions = {} }) {
    this.defaults = models;
    this.emotions = emotions;
    for (const [name, ids, first] of [["llm", llms, models.llm], ["asr", recognizers, models.asr]]) {
      if (!$(`set-${name}`)) continue;
      choices($(`set-${name}`), ids.map((id) => [id === first ? "" : id, modelName(id)]));
      $(`set-${name}`).parentElement.hidden = ids.length < 2;
      if (!ids.includes(this.values[name])) this.values[name] = ""; // of another server, or of another day
    }
    if (this.alone) {
      this.voice = voiceCalled(this.voice, voices); // its name may be of another day
      this.voices.fill(voices, details, this.voice || models.tts);
      $("set-persona").placeholder = instructions;
      this.showMoods();
    }
    const known = languages.includes("*") ? MOST_COMMON : languages;
    choices($("set-language"), [["", say("settings.as_server", { language: languageName(language || "en") })], ...known.map((code) => [code, languageName(code)])]);
    this.show();
  }

  async listDevices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    for (const [id, kind] of [["set-mic", "audioinput"], ["set-speaker", "audiooutput"]]) {
      const found = devices.filter((d) => d.kind === kind && d.deviceId && d.deviceId !== "default");
      const nth = kind === "audioinput" ? "settings.nth_mic" : "settings.nth_speaker";
      choices($(id), [["", say("settings.device_default")], ...found.map((d, i) => [d.deviceId, d.label || say(nth, { number: i + 1 })])]);
    }
    this.show();
  }

  show() {
    for (const name of this.shown) {
      const control = $(`set-${name}`);
      control.value = this.values[name];
      if (control instanceof HTMLSelectElement && control.selectedIndex < 0) control.selectedIndex = 0;
    }
    if (this.alone) showSpeed(this.values.speed);
  }

  // Those of the chosen voice; most voices have none.
  showMoods() {
    const moods = this.emotions[this.voice || this.defaults.tts] ?? [];
    const wanted = MOODS.filter((mood) => ["", "any"].includes(mood) || moods.includes(mood));
    choices($("set-emotion"), wanted.map((mood) => [mood, say(`mood.${mood || "neutral"}`)]));
    $("set-emotion").parentElement.hidden = moods.length < 2;
    this.show();
  }

  get style() {
    const moods = this.emotions[this.voice || this.defaults.tts] ?? [];
    const { emotion } = this.values;
    return { emotion: moods.includes(emotion) ? emotion : "neutral", expressive: emotion === "any" && moods.length > 1 };
  }

  voiceName(id) {
    return this.voices.name(id);
  }

  choose(voice) {
    this.voices.check(voice);
    this.voice = voice === this.defaults.tts ? "" : voice;
    this.keep();
    this.showMoods();
    if (this.talk.connected) this.apply(this.talk.parley, "voice");
  }

  changed(name) {
    this.values[name] = $(`set-${name}`).value;
    this.keep();
    this.show();
    if (name === "mode") this.pushToTalkChanged();
    if (!this.talk.connected) return;
    if (name === "mic") this.notice.tell(say("settings.mic_next_time"));
    else this.apply(this.talk.parley, name);
    if (name === "noise") this.notice.tell(say("settings.noise_next_time"));
  }

  // Everything that differs from the server's own, or the one setting that was changed.
  apply(parley, only = null) {
    const { mode, eagerness, llm, asr, speed, emotion, language, persona, volume, speaker, noise } = this.values;
    const here = (name) => this.alone || $(`set-${name}`);
    const wanted = (name, value) => only === name || (only === null && here(name) && value);
    const input = {}, output = {}, session = {};
    if (wanted("mode", this.pushToTalk) || wanted("eagerness", eagerness)) {
      input.turn_detection = mode === "push-to-talk" ? null : { type: "semantic_vad", eagerness: eagerness || "auto" };
    }
    if (wanted("language", language) || wanted("asr", asr)) {
      input.transcription = { model: asr || this.defaults.asr, language: language || null };
    }
    if (wanted("noise", noise)) input.noise_reduction = noise ? { type: noise } : null;
    if (wanted("llm", llm)) session.model = llm || this.defaults.llm;
    if (wanted("voice", this.voice)) output.voice = this.voice || this.defaults.tts;
    if (this.alone && (only === "voice" || wanted("emotion", emotion))) session.parley = { style: this.style };
    if (wanted("speed", speed !== "1")) output.speed = Number(speed);
    if (wanted("persona", persona)) session.instructions = persona || $("set-persona").placeholder;
    if (Object.keys(input).length || Object.keys(output).length) session.audio = { input, output };
    if (Object.keys(session).length) parley.update(session);
    if (wanted("volume", true)) parley.volume = Number(volume);
    if (wanted("speaker", speaker)) parley.setSpeaker(speaker).catch(() => this.notice.tell(say("settings.speaker_gone")));
    if (only === null || only === "mode") parley.muted = this.pushToTalk || this.silent();
  }
}

function showSpeed(speed) {
  $("set-speed-value").textContent = `${Number(speed).toFixed(2)}×`;
}
