// The debate page "Clashroom": its parts, wired together. Talking itself is in talk.js and parley.js, as on the talk page.
import { About } from "./about.js";
import { given } from "./address.js";
import { Controls } from "./controls.js";
import { Floor } from "./debate-floor.js";
import { Invite } from "./debate-invite.js";
import { People } from "./debate-people.js";
import { Recording } from "./debate-recording.js";
import { Setup } from "./debate-setup.js";
import { DebateState } from "./debate-state.js";
import { Steering } from "./debate-steering.js";
import { DebateTranscript } from "./debate-transcript.js";
import { Verdict } from "./debate-verdict.js";
import { $ } from "./dom.js";
import { setUpDrawers } from "./drawers.js";
import { followEnd } from "./follow-end.js";
import { Keeping } from "./debate-keeping.js";
import { setUpLanguages } from "./language-menu.js";
import { modelName } from "./names.js";
import { Notice } from "./notice.js";
import { Settings } from "./settings.js";
import { fill, put, say } from "./strings.js";
import { Talk } from "./talk.js";
import { Upgrade } from "./upgrade.js";
import { Watch } from "./watch.js";
import { onEach, wire } from "./wiring.js";

const transport = new URLSearchParams(location.search).get("transport") ?? "auto";

fill();
setUpLanguages();
const keeping = new Keeping(given);
const { invitation } = keeping;
const notice = new Notice();
const state = new DebateState({ invited: Boolean(invitation) });
const about = new About({ notice, filled: (server) => filled(server), told: (server) => told(server), invitation: invitation?.room });
const upgrade = new Upgrade();
const talk = new Talk({
  options: () => ({
    key: about.key, transport, iceServers: about.server.ice_servers ?? [], name: $(invitation ? "guest-name" : "set-name").value.trim(), room: invitation?.room ?? "", ...settings.microphoneOptions,
  }),
  apply: (parley) => settings.apply(parley),
  history: () => [],
});
const setup = new Setup({ headers: () => about.headers, fault: (fault) => notice.complain(fault.words) });
const settings = new Settings({ talk, notice, headers: () => about.headers, pushToTalk: () => controls.show(), silent: () => !mayTalk() });
const controls = new Controls({
  talk, settings, notice, begin: () => talk.start({ microphone: wantsMicrophone() }), speaks: () => mayTalk(), cuts: false, describe,
  tells: () => state.phase !== "running", // what follows is heard
  label: (act) => ({ start: say("debate.connect"), hears: state.role === "listener" ? "" : say("debate.microphone_waits") }[act]),
});
const watch = new Watch(talk);
const transcript = new DebateTranscript($("transcript"), state);
const floor = new Floor(state);
const invite = new Invite({ talk, about, state });
const people = new People({ state, talk, notice, invite });
const steering = new Steering({ state, talk });
const recording = new Recording({ state, talk, notice });
const verdict = new Verdict({ state, talk });
const { follow } = followEnd($("scroll"), () => state.phase === "running");

function wantsMicrophone() {
  return invitation ? !invitation.listen : !setup.listens;
}

// Before it begins a word into the microphone would be answered by an assistant that is nobody's.
function mayTalk() {
  return state.role !== "listener" && ["running", "over"].includes(state.phase);
}

let waits = false;
let hadDebate = false; // when the connection was lost

function holdMicrophone() {
  if (waits === !mayTalk()) return;
  waits = !mayTalk();
  if (talk.parley) talk.parley.muted = waits || settings.pushToTalk;
}

function filled(server) {
  settings.fill(server);
  setup.speakers.know(server);
}

function told({ models, tiny_llm: tiny, upgrade: better }) {
  put($("models"), say(tiny ? "setup.tiny" : "setup.models", { model: modelName(models.llm) }));
  const comes = upgrade.show(better, models.llm);
  if (invitation) return comes;
  setup.ask().catch((fault) => console.warn("the formats did not come; they are asked for again:", fault));
  return comes || !setup.formats.length;
}

function describe(now) {
  const { phase, speaking, debate } = state;
  if (!["LISTENING", "SPEAKING", "THINKING", "USER_SPEAKING"].includes(now)) return "";
  if (speaking !== null && phase === "running") return speaking === state.me ? say("state.USER_SPEAKING") : say("debate.speaking", { name: state.called(speaking) });
  if (phase === "setup") return say(setup.ready ? "debate.ready" : "debate.no_topic");
  if (phase === "door") return say("debate.at_door");
  if (phase === "over") return say("debate.over");
  if (!debate.speaker && debate.round) return say("debate.peoples_turn");
  return say("debate.one_moment");
}

// -- what is shown --------------------------------------------------------------------------------

function show() {
  const { phase, role } = state;
  document.body.dataset.phase = phase;
  document.body.dataset.role = role;
  $("setup").hidden = phase !== "setup";
  $("door").hidden = phase !== "door";
  $("floor").hidden = phase !== "running";
  $("transcript").hidden = phase === "setup" || phase === "door";
  $("door-name").hidden = talk.connected;
  $("said-title").hidden = transcript.empty;
  put($("door-text"), say(talk.connected ? "debate.you_are_in" : wantsMicrophone() ? "debate.door_speak" : "debate.door_listen"));
  $("set-name").disabled = talk.connected;
  $("start").disabled = !setup.ready;
  holdMicrophone();
  controls.show();
}

state.addEventListener("changed", show);
setup.addEventListener("changed", show);
setup.addEventListener("done", () => (talk.connected ? start() : $("connect").click()));
transcript.addEventListener("changed", () => follow());

function start() {
  if (!setup.ready) return $("set-topic").focus();
  const others = state.members.some(({ name, role }) => role === "speaker" && name !== state.me);
  talk.parley.send({ type: "parley.debate.start", debate: { ...setup.wanted, spectated: setup.listens && !others } });
}

$("start").addEventListener("click", start);
$("again").addEventListener("click", () => {
  state.putAway();
  transcript.clear();
  $("scroll").scrollTop = 0;
  $("set-topic").focus();
});

// -- what the connection tells -------------------------------------------------------------------

wire({ talk, notice, about, controls, watch });
onEach(talk, {
  event: take,
  levels(levels) {
    controls.orb.hear(levels);
    floor.hear(levels);
  },
  position({ response, audio_ms }) {
    state.sounds(response);
    transcript.heardUntil(response, audio_ms);
  },
  state(now) {
    if (now === "offline") {
      keeping.forget();
      transcript.drop();
      if (state.phase === "running") state.clear(); // it goes on without us
    }
    state.changed();
  },
  begun({ resumed, returning }) {
    if (resumed) return;
    if (returning && hadDebate) notice.tell(say("debate.forgotten"), { topic: "talk" });
    hadDebate = false;
    invite.forget();
  },
});

function take(event) {
  if (event.type === "parley.resume") {
    keeping.keep({ token: event.token, microphone: talk.microphone });
    hadDebate ||= state.phase === "running";
    if (!event.resumed) anew();
  }
  state.take(event);
  transcript.take(event);
  invite.take(event);
  verdict.take(event);
  if (event.type === "response.created") talk.parley.place(event.response.id, placeOf(event.response.parley?.agent));
}

// Another conversation: nothing of the last one counts.
function anew() {
  state.clear();
  transcript.clear();
}

function placeOf(name) {
  return state.debate?.debaters.find((debater) => debater.name === name)?.place ?? 0;
}

window.addEventListener("pagehide", () => {
  if (talk.connected) keeping.leave({ hadDebate: state.phase === "running" });
  talk.parley?.away();
});

$("unloaded").remove(); // it shows itself where this is never reached
$("connect").disabled = false;
if (invitation?.name) $("guest-name").value = invitation.name;
$("guest-name").addEventListener("keydown", (event) => event.key === "Enter" && $("connect").click());
setUpDrawers(["settings", "people"]);
state.changed();
about.ask();
watch.run();
keeping.comeBack(({ token, microphone, hadDebate: had }) => {
  hadDebate = had;
  talk.goOn(token, { microphone });
});
