// The talk page: its parts, wired together. Everything about talking is in talk.js and parley.js.
import { About } from "./about.js";
import { ConversationList } from "./conversation-list.js";
import { Conversations } from "./conversations.js";
import { Controls } from "./controls.js";
import { setUpDrawers } from "./drawers.js";
import { Examples } from "./examples.js";
import { WITHOUT_MICROPHONE, explainEvent } from "./faults.js";
import { followEnd } from "./follow-end.js";
import { Further } from "./further.js";
import { modelName, voiceName } from "./names.js";
import { closeList, setUpList } from "./list-place.js";
import { Notice } from "./notice.js";
import { Panels } from "./panels.js";
import { Settings } from "./settings.js";
import { Talk } from "./talk.js";
import { Transcript } from "./transcript.js";
import { Upgrade } from "./upgrade.js";
import { VoiceChange } from "./voice-change.js";
import { Watch } from "./watch.js";

const $ = (id) => document.getElementById(id);
const KEEPS_EVERY_MS = 300;
const NO_FAULTS = [
  "response_cancel_not_active", "conversation_already_has_active_response", // the page was a moment late
  "voice_unavailable", // voice-change.js tells it
];
const transport = new URLSearchParams(location.search).get("transport") ?? "auto";

const notice = new Notice();
const transcript = new Transcript($("transcript"));
const conversations = new Conversations(() => notice.full());
const about = new About({ notice, filled: (server) => filled(server), told: (server) => told(server) });
const upgrade = new Upgrade();
const further = new Further($("further-voices"), { headers: () => about.headers, ask: () => about.ask() });
const talk = new Talk({
  options: () => ({ key: about.key, transport, iceServers: about.server.ice_servers ?? [], ...settings.microphoneOptions }),
  apply: (parley) => settings.apply(parley),
  history: () => transcript.items(),
});
const settings = new Settings({ talk, notice, headers: () => about.headers, pushToTalk: () => controls.show() });
const panels = new Panels({ settings, headers: () => about.headers });
const controls = new Controls({ talk, settings, notice });
const voiceChange = new VoiceChange({ settings, notice });
const watch = new Watch(talk);
const list = new ConversationList({ conversations, open: (id) => open(id), notice });

function filled(server) {
  settings.fill(server);
  panels.about(server);
}

function told({ models, details = {}, tiny_llm: tiny, upgrade: better, further_voices: voices = [] }) {
  const voice = voiceName(models.tts, details[models.tts]);
  $("models").textContent = `hears with ${modelName(models.asr)}, thinks with ${modelName(models.llm)}${tiny ? " (small and often wrong)" : ""}, speaks as ${voice}`;
  return [upgrade.show(better, models.llm), further.show(voices)].some(Boolean);
}

// -- keeping -------------------------------------------------------------------------------------

let waiting = null;

function keep() {
  clearTimeout(waiting);
  waiting = null;
  const id = conversations.current;
  const entries = transcript.kept();
  if (!entries.some(({ who }) => who !== "line")) return;
  conversations.write({ ...conversations.read(id), id, entries, changed: Date.now() });
  list.grown(conversations.read(id));
}

transcript.addEventListener("changed", () => {
  scroll();
  waiting ??= setTimeout(keep, KEEPS_EVERY_MS);
});

function open(id) {
  talk.end();
  if (waiting !== null) keep(); // its end changed it, too
  notice.clear();
  if (id) conversations.current = id;
  else conversations.begin();
  transcript.load(conversations.read(conversations.current)?.entries ?? []);
  scroll(true);
  list.show();
  closeList();
}

const { follow } = followEnd($("scroll"));

function scroll(whatever = undefined) {
  document.body.dataset.empty = String(transcript.empty);
  follow(whatever);
}

// -- what the connection tells -------------------------------------------------------------------

const ON = {
  event: take,
  position: ({ response, audio_ms }) => transcript.heardUntil(response, audio_ms),
  path: (detail) => panels.path(detail),
  quality: (detail) => panels.quality(detail),
  fault(fault) {
    if (fault.code === "invalid_api_key") return about.askForKey();
    notice.complain(fault.message, { topic: WITHOUT_MICROPHONE.has(fault.code) ? "microphone" : "talk" });
  },
  microphone(on) {
    if (on) notice.clear("microphone");
  },
  busy: (seconds) => notice.complain("The server has no room for another conversation now. It is tried again by itself", {
    topic: "talk", aside: ` in ${seconds} s.`, action: "Do not wait", act: () => talk.end(),
  }),
  blocked(blocked) {
    if (!blocked) return notice.clear("blocked");
    notice.complain("This device has stopped the sound.", { topic: "blocked", action: "Turn the sound on", act: () => talk.parley.wake() });
  },
  state(state) {
    if (state === "connecting") notice.clear("talk");
    if (state !== "offline") return;
    transcript.drop();
    $("text").value ||= talk.unsaid; // what nobody was there for
    talk.unsaid = "";
  },
  begun({ resumed, returning }) {
    notice.clear("talk");
    if (!resumed) transcript.drop();
    if (!resumed && returning) {
      notice.tell("The server no longer had the conversation: it was told again what stands above.", { topic: "talk" });
    }
    if (!resumed) transcript.mark();
  },
};
for (const [name, act] of Object.entries(ON)) talk.addEventListener(name, ({ detail }) => act(detail));

function take(event) {
  transcript.take(event);
  panels.take(event);
  voiceChange.take(event);
  if (event.type === "error" && !NO_FAULTS.includes(event.error.code)) notice.complain(explainEvent(event.error).message, { topic: "talk" });
  if (event.type === "response.done" && event.response.status === "failed") {
    notice.complain(`The answer failed. Ask again. (${event.response.status_details.error.message})`, { topic: "talk" });
  }
}

watch.addEventListener("gone", ({ detail: gone }) => {
  controls.gone(gone);
  if (!gone) return about.ask();
});
watch.addEventListener("down", ({ detail: parts }) => about.down(parts));
$("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  talk.say(text);
  $("text").value = "";
});
new Examples((text) => talk.say(text));
window.addEventListener("pagehide", () => {
  if (talk.connected) talk.end();
  if (waiting !== null) keep();
});

$("unloaded").remove(); // it shows itself where this is never reached
for (const id of ["connect", "text", "send"]) $(id).disabled = false; // not before: what was typed would be lost
setUpDrawers(["settings", "panels"]);
setUpList();
open(conversations.current);
about.ask();
watch.run();
