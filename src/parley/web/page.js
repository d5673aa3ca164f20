// The talk page: its parts, wired together. Everything about talking is in talk.js and parley.js.
import { About } from "./about.js";
import { ConversationList } from "./conversation-list.js";
import { Conversations } from "./conversations.js";
import { Controls } from "./controls.js";
import { setUpDrawers } from "./drawers.js";
import { setUpLanguages } from "./language-menu.js";
import { Examples } from "./examples.js";
import { $ } from "./dom.js";
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
import { fill, put, say } from "./strings.js";
import { VoiceChange } from "./voice-change.js";
import { Watch } from "./watch.js";
import { onEach, wire } from "./wiring.js";

const KEEPS_EVERY_MS = 300;
const transport = new URLSearchParams(location.search).get("transport") ?? "auto";

fill();
setUpLanguages();
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
  put($("models"), say(tiny ? "settings.models_tiny" : "settings.models", { asr: modelName(models.asr), llm: modelName(models.llm), tts: voice }));
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

wire({ talk, notice, about, controls, watch, expected: ["voice_unavailable"] }); // voice-change.js tells it
onEach(talk, {
  event: take,
  position: ({ response, audio_ms }) => transcript.heardUntil(response, audio_ms),
  path: (detail) => panels.path(detail),
  quality: (detail) => panels.quality(detail),
  state(state) {
    if (state === "offline") transcript.drop();
  },
  begun({ resumed, returning }) {
    if (!resumed) transcript.drop();
    if (!resumed && returning) {
      notice.tell(say("connection.forgotten"), { topic: "talk" });
    }
    if (!resumed) transcript.mark();
  },
});

function take(event) {
  transcript.take(event);
  panels.take(event);
  voiceChange.take(event);
  if (event.type === "response.done" && event.response.status === "failed") {
    notice.complain(say("connection.answer_failed", { why: event.response.status_details.error.message }), { topic: "talk" });
  }
}

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
