// What every page does about its connection: it tells what went wrong, watches the server, sends what is typed.
import { $ } from "./dom.js";
import { WITHOUT_MICROPHONE, explainEvent } from "./faults.js";
import { say } from "./strings.js";

const NO_FAULTS = ["response_cancel_not_active", "conversation_already_has_active_response"]; // the page was a moment late

// `expected`: codes of errors that the page tells itself.
export function wire({ talk, notice, about, controls, watch, expected = [] }) {
  const on = {
    event({ type, error }) {
      if (type === "error" && ![...NO_FAULTS, ...expected].includes(error.code)) notice.complain(explainEvent(error).words, { topic: "talk" });
    },
    fault(fault) {
      if (fault.code === "invalid_api_key") return about.askForKey();
      notice.complain(fault.words, { topic: WITHOUT_MICROPHONE.has(fault.code) ? "microphone" : "talk" });
    },
    microphone(there) {
      if (there) notice.clear("microphone");
    },
    busy: (seconds) => notice.complain(say("connection.busy"), {
      topic: "talk", aside: say("connection.in_seconds", { seconds }), action: say("connection.do_not_wait"), act: () => talk.end(),
    }),
    blocked(blocked) {
      if (!blocked) return notice.clear("blocked");
      notice.complain(say("connection.blocked"), { topic: "blocked", action: say("connection.sound_on"), act: () => talk.parley.wake() });
    },
    state(now) {
      if (now === "connecting") notice.clear("talk");
      if (now !== "offline") return;
      $("text").value ||= talk.unsaid; // what nobody was there for
      talk.unsaid = "";
    },
    begun: () => notice.clear("talk"),
  };
  onEach(talk, on);
  watch.addEventListener("gone", ({ detail: gone }) => {
    controls.gone(gone);
    if (!gone) about.ask();
  });
  watch.addEventListener("down", ({ detail: parts }) => about.down(parts));
  $("typed").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("text").value.trim();
    if (!text) return;
    talk.say(text);
    $("text").value = "";
  });
}

// `acts`: what is done on each of its events, by their names.
export function onEach(target, acts) {
  for (const [name, act] of Object.entries(acts)) target.addEventListener(name, ({ detail }) => act(detail));
}
