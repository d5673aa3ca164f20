// Names of models and voices, and sizes, as people say them.
import { joined, known, languageName, say } from "./strings.js";

// `details`: {summary, languages} of an id, where the server knows more.
const SPELLED = { smollm2: "SmolLM2", espeak: "eSpeak", gpt: "GPT", llama: "Llama", deepseek: "DeepSeek", oss: "OSS", r1: "R1" };
const VOICE_FAMILIES = /^(hibari|kokoro|piper)[-_:/]/; // kokoro/af_heart is a speaker of a model
const KOKORO = /^([ab])([fm])[-_](.+)$/; // af_heart
const LOCALE = /^([a-z]{2,3})[-_]([a-z]{2})[-_](.+)$/; // en-us-joe
const SOMEBODY = /,\s*(?:an?|another)\s+([^,;]+)/;

export function megabytes(bytes) {
  return Math.round(bytes / 1e6);
}

export function modelName(id) {
  const bare = id.split(/[\\/]/).pop().replace(/\.(gguf|onnx)$/i, "").replace(/[-_.]q\d\w*$/i, "").replace(/[-_]instruct\b/i, "");
  return words(bare);
}

// "Heart · American woman"
export function voiceName(id, details) {
  return voiceNames([id], { [id]: details }).get(id).long;
}

// {short, long} of each id. Where several voices have one name, their model tells them apart: "Heart (Kokoro)".
export function voiceNames(ids, details = {}) {
  const shorts = ids.map(shortVoiceName);
  return new Map(ids.map((id, i) => {
    const shared = shorts.filter((short) => short === shorts[i]).length > 1;
    const short = shared ? `${shorts[i]} (${voiceModel(id)})` : shorts[i];
    const about = described(id, details[id]);
    return [id, { short, long: joined([short, about], " · ") }];
  }));
}

// The family where that is known, else the id itself: nothing shorter tells what else there may be.
function voiceModel(id) {
  const family = id.match(VOICE_FAMILIES);
  return family ? capital(family[1]) : id;
}

export function shortVoiceName(id) {
  const bare = id.split(/[\\/]/).pop().replace(/\.onnx$/i, "").replace(VOICE_FAMILIES, "");
  const [, name = bare] = bare.match(/^[ab][fm][-_](.+)$/) ?? bare.match(/^[a-z]{2,3}[-_][a-z]{2}[-_](.+?)(?:[-_](?:low|medium|high))?$/i) ?? [];
  return words(name);
}

// The id that a name means, as the server reads names: "kokoro-heart" and "af_heart" are "kokoro/af_heart"; "" where there is none.
export function voiceCalled(name, ids) {
  if (ids.includes(name)) return name;
  const wanted = name.toLowerCase();
  const found = ids.filter((id) => {
    const [, model, speaker] = id.toLowerCase().match(/^(.+)\/(.+)$/) ?? [];
    if (!speaker) return id.toLowerCase() === wanted;
    const given = [speaker, speaker.split("_").pop()];
    return wanted === speaker || given.some((called) => wanted === `${model}/${called}` || wanted === `${model}-${called}`);
  });
  return found.length === 1 ? found[0] : "";
}

function described(id, { summary = "", languages = [] } = {}) {
  const somebody = summary.match(SOMEBODY);
  if (somebody) return known("voices", capital(somebody[1].trim()));
  const bare = id.replace(VOICE_FAMILIES, "").toLowerCase();
  const kokoro = bare.match(KOKORO);
  if (kokoro) return say(`voices.${kokoro[1] === "a" ? "american" : "british"}_${kokoro[2] === "f" ? "woman" : "man"}`);
  if (languages.includes("*")) return say("voices.robot");
  const locale = bare.match(LOCALE);
  const code = languages[0] ?? locale?.[1];
  return code ? languageName(code) : "";
}

function words(text) {
  return text.split(/[-_:\s]+/).filter(Boolean).map(word).join(" ");
}

function word(text) {
  if (/^\d+(\.\d+)?[bmk]$/i.test(text)) return text.toUpperCase();
  return SPELLED[text.toLowerCase()] ?? capital(text);
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
