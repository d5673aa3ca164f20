// The page: buttons, transcript, meters. Everything about talking is in parley.js.
import { Panels } from "./panels.js";
import { Parley } from "./parley.js";
import { Settings } from "./settings.js";
import { Transcript } from "./transcript.js";

const $ = (id) => document.getElementById(id);
const STATES = {
  LISTENING: "listening", USER_SPEAKING: "you are speaking", THINKING: "thinking",
  SPEAKING: "speaking", BARGED_IN: "paused: was that for me?", offline: "not connected", connecting: "connecting …",
  returning: "connection lost, coming back …",
};
const RETURN_AFTER_S = [0.2, 1, 2, 3]; // the last again and again, while the server keeps the conversation
const KEPT_S = 60;
const forced = new URLSearchParams(location.search).get("transport") ?? "auto";
const transcript = new Transcript($("transcript"));
const panels = new Panels(() => sessionStorage.getItem("parley-key"));
let server = { ice_servers: [] };
let parley = null;
let settings = null;
let leaving = false;
let returning = false;

function show(state) {
  $("state").dataset.state = state;
  $("state").textContent = STATES[state] ?? state;
  $("interrupt").disabled = !(state === "SPEAKING" || state === "THINKING");
}

function complain(message) {
  $("notice").hidden = !message;
  $("notice-text").textContent = message;
}

function setConnected(on) {
  $("connect").textContent = on ? "Disconnect" : "Connect";
  for (const id of ["mute", "text", "send", "talk"]) $(id).disabled = !on;
  if (!on) {
    show("offline");
    $("mic-level").value = $("speaker-level").value = 0;
  }
}

function fresh(resumeToken) {
  const made = new Parley({
    key: sessionStorage.getItem("parley-key"), transport: forced, iceServers: server.ice_servers,
    ...settings.microphoneOptions,
  });
  made.resumeToken = resumeToken;
  made.addEventListener("event", ({ detail }) => take(detail));
  made.addEventListener("state", ({ detail }) => show(detail));
  made.addEventListener("position", ({ detail }) => transcript.heardUntil(detail.response, detail.audio_ms));
  made.addEventListener("path", ({ detail }) => panels.path(detail));
  made.addEventListener("quality", ({ detail }) => panels.quality(detail));
  made.addEventListener("levels", ({ detail }) => {
    if ("mic" in detail) $("mic-level").value = Math.sqrt(detail.mic);
    else $("speaker-level").value = Math.sqrt(detail.speaker);
  });
  made.addEventListener("closed", ({ detail }) => {
    setConnected(false);
    if (detail.lost && made.resumeToken) comeBack(made.resumeToken);
    else complain(`${detail.reason} Press Connect to go on.`);
  });
  return made;
}

async function connect(resumeToken = null) {
  complain("");
  leaving = false;
  returning = resumeToken !== null;
  $("connect").disabled = true;
  if (!resumeToken) show("connecting");
  parley = fresh(resumeToken);
  try {
    await parley.connect();
    setConnected(true);
    show("LISTENING");
    settings.apply(parley);
    return true;
  } catch (fault) {
    setConnected(false);
    if (fault.code === "invalid_api_key") $("key-form").hidden = false;
    if (!resumeToken || fault.code !== "unreachable") complain(fault.message);
    return false;
  } finally {
    $("connect").disabled = false;
  }
}

// A lost network comes back, or an address has changed: the server keeps the conversation for a minute.
async function comeBack(token) {
  const until = performance.now() + KEPT_S * 1000;
  for (let attempt = 0; performance.now() < until; attempt += 1) {
    show("returning");
    const seconds = RETURN_AFTER_S[Math.min(attempt, RETURN_AFTER_S.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    if (leaving || parley?.connected) return;
    if (await connect(token)) return;
  }
  setConnected(false);
  complain("The connection did not come back. Press Connect to begin anew.");
}

function take(event) {
  transcript.take(event);
  panels.take(event);
  if (event.type === "error") complain(event.error.message);
  if (event.type === "parley.resume" && returning && !event.resumed) {
    complain("The server no longer had the conversation: it knows nothing of what stands above.");
  }
  if (event.type === "response.done" && event.response.status === "failed") {
    complain(`The answer failed: ${event.response.status_details.error.message}`);
  }
}

function disconnect() {
  leaving = true;
  parley.disconnect();
  setConnected(false);
}

$("connect").addEventListener("click", () => (parley?.connected ? disconnect() : connect()));
window.addEventListener("pagehide", () => parley?.connected && disconnect());

$("mute").addEventListener("click", () => {
  parley.muted = !parley.muted;
  $("mute").setAttribute("aria-pressed", String(parley.muted));
  $("mute").textContent = parley.muted ? "Muted" : "Mute";
});

$("interrupt").addEventListener("click", () => parley.interrupt());

// Push to talk: hold the button, or the space bar where nothing is being typed.
function hold(on) {
  if (!parley?.connected || !settings.pushToTalk || $("talk").dataset.held === String(on)) return;
  $("talk").dataset.held = String(on);
  if (on) parley.press();
  else parley.releaseTalk();
}
$("talk").addEventListener("pointerdown", () => hold(true));
for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, () => $("talk").dataset.held === "true" && hold(false));
for (const [name, on] of [["keydown", true], ["keyup", false]]) {
  window.addEventListener(name, (event) => {
    if (event.code !== "Space" || event.repeat || event.target.matches("input, textarea, select, summary, button:not(#talk)")) return;
    if (settings.pushToTalk) event.preventDefault();
    hold(on);
  });
}

$("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || !parley?.connected) return;
  parley.say(text);
  $("text").value = "";
});

$("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  sessionStorage.setItem("parley-key", $("key").value);
  $("key-form").hidden = true;
  await about();
  connect();
});

$("notice-close").addEventListener("click", () => complain(""));
$("export").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([transcript.text()], { type: "text/plain" }));
  link.download = `conversation-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.txt`;
  link.click();
  URL.revokeObjectURL(link.href);
});

async function about() {
  const key = sessionStorage.getItem("parley-key");
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  let response;
  try {
    response = await fetch("/v1/parley", { headers });
  } catch {
    complain("The server does not answer: is it running?");
    return;
  }
  if (response.status === 401) {
    $("key-form").hidden = false;
    return;
  }
  server = await response.json();
  settings.fill(server);
  const { models, tiny_llm, better_llms } = server;
  $("models").textContent = `hears with ${models.asr}, thinks with ${models.llm}, speaks with ${models.tts}`;
  $("tiny").hidden = !tiny_llm;
  $("better").replaceChildren(...(tiny_llm ? better_llms : []).map(({ id, summary, bytes }) => {
    const line = document.createElement("li");
    const command = document.createElement("code");
    command.textContent = `parley serve --llm ${id}`;
    line.append(command, ` ${summary} (${Math.round(bytes / 1e6)} MB)`);
    return line;
  }));
}

// A key may come in the address (the QR code of `parley serve --tls`); it does not stay there.
const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  sessionStorage.setItem("parley-key", given);
  history.replaceState(null, "", location.pathname + location.search);
}
settings = new Settings(() => parley, complain);
setConnected(false);
about();
