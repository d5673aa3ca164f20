// The page: buttons, transcript, meters. Everything about talking is in parley.js.
import { Parley } from "./parley.js";
import { Transcript } from "./transcript.js";

const $ = (id) => document.getElementById(id);
const STATES = {
  LISTENING: "listening", USER_SPEAKING: "you are speaking", THINKING: "thinking",
  SPEAKING: "speaking", BARGED_IN: "paused: was that for me?", offline: "not connected", connecting: "connecting …",
};
const transcript = new Transcript($("transcript"));
let parley = null;

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
  for (const id of ["mute", "text", "send"]) $(id).disabled = !on;
  if (!on) {
    show("offline");
    $("mic-level").value = $("speaker-level").value = 0;
  }
}

async function connect() {
  complain("");
  show("connecting");
  $("connect").disabled = true;
  parley = new Parley({ key: sessionStorage.getItem("parley-key") });
  parley.addEventListener("event", ({ detail }) => take(detail));
  parley.addEventListener("state", ({ detail }) => show(detail));
  parley.addEventListener("position", ({ detail }) => transcript.heardUntil(detail.response, detail.audio_ms));
  parley.addEventListener("levels", ({ detail }) => {
    if ("mic" in detail) $("mic-level").value = Math.sqrt(detail.mic);
    else $("speaker-level").value = Math.sqrt(detail.speaker);
  });
  parley.addEventListener("closed", ({ detail }) => {
    setConnected(false);
    complain(`${detail.reason} Press Connect to go on.`);
  });
  try {
    await parley.connect();
    setConnected(true);
    show("LISTENING");
  } catch (fault) {
    setConnected(false);
    complain(fault.message);
    if (fault.code === "invalid_api_key") $("key-form").hidden = false;
  } finally {
    $("connect").disabled = false;
  }
}

function take(event) {
  transcript.take(event);
  if (event.type === "error") complain(event.error.message);
  if (event.type === "response.done" && event.response.status === "failed") {
    complain(`The answer failed: ${event.response.status_details.error.message}`);
  }
}

$("connect").addEventListener("click", () => {
  if (parley?.connected) {
    parley.disconnect();
    setConnected(false);
  } else {
    connect();
  }
});

$("mute").addEventListener("click", () => {
  parley.muted = !parley.muted;
  $("mute").setAttribute("aria-pressed", String(parley.muted));
  $("mute").textContent = parley.muted ? "Muted" : "Mute";
});

$("interrupt").addEventListener("click", () => parley.interrupt());

$("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || !parley?.connected) return;
  parley.say(text);
  $("text").value = "";
});

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("parley-key", $("key").value);
  $("key-form").hidden = true;
  connect();
  about();
});

$("notice-close").addEventListener("click", () => complain(""));

async function about() {
  const key = sessionStorage.getItem("parley-key");
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const response = await fetch("/v1/parley", { headers });
  if (response.status === 401) {
    $("key-form").hidden = false;
    return;
  }
  const { models, tiny_llm, better_llms } = await response.json();
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

setConnected(false);
about();
