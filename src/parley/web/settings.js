// The assistant and the devices: kept in this browser, sent when connected, changed in mid-conversation.
const $ = (id) => document.getElementById(id);
const STORE = "parley-settings";

export class Settings {
  constructor(parley, complain) {
    this.parley = parley; // a function: the client changes with every connection
    this.complain = complain;
    this.values = {
      mode: "hands-free", voice: "", llm: "", asr: "", speed: "1", language: "", persona: "", volume: "1", mic: "", speaker: "", noise: "",
    };
    try {
      Object.assign(this.values, JSON.parse(localStorage.getItem(STORE) ?? "{}"));
    } catch {
      localStorage.removeItem(STORE);
    }
    for (const name of Object.keys(this.values)) {
      $(`set-${name}`).addEventListener("change", () => this.changed(name));
    }
    $("set-volume").addEventListener("input", () => this.changed("volume"));
    $("settings").addEventListener("toggle", () => this.listDevices());
    navigator.mediaDevices?.addEventListener("devicechange", () => this.listDevices());
    this.show();
  }

  get pushToTalk() {
    return this.values.mode === "push-to-talk";
  }

  get microphoneOptions() {
    return { microphone: this.values.mic || null, noiseSuppression: !this.values.noise };
  }

  fill({ voices, llms, recognizers, models, instructions, languages }) {
    this.defaults = models;
    for (const [name, ids] of Object.entries({ voice: voices, llm: llms, asr: recognizers })) {
      choices($(`set-${name}`), ids.map((id) => [id, id]), "the server's");
      $(`set-${name}`).parentElement.hidden = ids.length < 2;
      if (!ids.includes(this.values[name])) this.values[name] = ""; // of another server, or of another day
    }
    $("set-persona").placeholder = instructions;
    const known = languages.includes("*") ? ["en", "te", "hi", "de", "fr", "es"] : languages;
    const names = new Intl.DisplayNames(["en"], { type: "language" });
    choices($("set-language"), known.map((code) => [code, names.of(code)]), "the server's");
    this.show();
  }

  async listDevices() {
    if (!$("settings").open || !navigator.mediaDevices?.enumerateDevices) return;
    const devices = await navigator.mediaDevices.enumerateDevices();
    for (const [id, kind] of [["set-mic", "audioinput"], ["set-speaker", "audiooutput"]]) {
      const found = devices.filter((d) => d.kind === kind && d.deviceId && d.deviceId !== "default");
      choices($(id), found.map((d, i) => [d.deviceId, d.label || `${kind === "audioinput" ? "microphone" : "speaker"} ${i + 1}`]), "the browser's");
    }
    this.show();
  }

  show() {
    for (const [name, value] of Object.entries(this.values)) {
      const control = $(`set-${name}`);
      control.value = value;
      if (control instanceof HTMLSelectElement && control.selectedIndex < 0) control.selectedIndex = 0;
    }
    $("set-speed-value").textContent = `${Number(this.values.speed).toFixed(2)}×`;
    $("talk").hidden = !this.pushToTalk;
    $("mute").hidden = this.pushToTalk;
  }

  changed(name) {
    this.values[name] = $(`set-${name}`).value;
    localStorage.setItem(STORE, JSON.stringify(this.values));
    this.show();
    const parley = this.parley();
    if (!parley?.connected) return;
    if (name === "mic") this.complain("The other microphone is used from the next connection on: disconnect and connect.");
    else this.apply(parley, name);
    if (name === "noise") this.complain("The browser's own suppression changes with the next connection: disconnect and connect.");
  }

  // Everything that differs from the server's own, or the one setting that was changed.
  apply(parley, only = null) {
    const { mode, voice, llm, asr, speed, language, persona, volume, speaker, noise } = this.values;
    const wanted = (name, value) => only === name || (only === null && value);
    const input = {}, output = {}, session = {};
    if (wanted("mode", this.pushToTalk)) input.turn_detection = mode === "push-to-talk" ? null : { type: "semantic_vad" };
    if (wanted("language", language) || wanted("asr", asr)) {
      input.transcription = { model: asr || this.defaults.asr, language: language || null };
    }
    if (wanted("noise", noise)) input.noise_reduction = noise ? { type: noise } : null;
    if (wanted("llm", llm)) session.model = llm || this.defaults.llm;
    if (wanted("voice", voice) && voice) output.voice = voice;
    if (wanted("speed", speed !== "1")) output.speed = Number(speed);
    if (wanted("persona", persona)) session.instructions = persona || $("set-persona").placeholder;
    if (Object.keys(input).length || Object.keys(output).length) session.audio = { input, output };
    if (Object.keys(session).length) parley.update(session);
    if (wanted("volume", true)) parley.volume = Number(volume);
    if (wanted("speaker", speaker)) parley.setSpeaker(speaker);
    if (only === null || only === "mode") parley.muted = this.pushToTalk;
  }
}

function choices(select, entries, first) {
  select.replaceChildren(...[["", first], ...entries].map(([value, text]) => new Option(text, value)));
}
