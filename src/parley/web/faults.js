// What can go wrong, in plain words, and the mend.
const MENDS = {
  insecure: "The browser gives no microphone to this address: open the page by https or on localhost.",
  denied: "The microphone is not allowed: click the sign beside the address, allow it and try again.",
  "no-device": "No microphone was found: plug one in and try again.",
  "microphone-gone": "The microphone is gone: was it unplugged, or taken for a phone call? End the conversation and start again: it goes on where it was.",
  unreachable: "The server does not answer. Is it running, and is this device in its network?",
  invalid_api_key: "This server asks for a key.",
  unsendable_key: "Browsers cannot send this key: it should be made of letters, digits, - and _ alone.",
  server_full: "The server has no room for another conversation now.",
  server_stopping: "The server was told to stop. When it is started again within a minute, this goes on by itself.",
  session_expired: "This conversation reached the server's time limit. Start again: it goes on where it was.",
  slow_client: "This device or its network is too slow for the sound. Start again, nearer to the router.",
  too_many_errors: "The server ended the conversation: it could not understand this page. Reload the page.",
  internal_error: "Something broke in the server. Start again: the conversation goes on where it was.",
  input_audio_buffer_commit_empty: "Nothing was heard: hold the button for as long as you speak.",
  removed: "Whoever began this conversation has removed you from it.",
  muted: "The host has muted you: nothing of what you say is taken until that is taken back.",
  no_room: "This invitation is not good any more: its conversation is over. Ask for another one.",
  name_taken: "Somebody there has this name already: take another one.",
  not_the_host: "Only who began the conversation does this.",
  origin_not_allowed: "The server lets in no pages of this address: its owner can add it to allowed_origins.",
  host_not_allowed: "The server does not answer to this address: its owner can add it to allowed_hosts.",
};
export const WITHOUT_MICROPHONE = new Set(["insecure", "denied", "no-device", "microphone"]);
// What the server says before it ends a connection.
export const LAST_WORDS = new Set(["server_stopping", "session_expired", "too_many_errors", "slow_client", "removed"]);

export class ParleyError extends Error {
  constructor(code, message, { fallBack = false, retryAfterS = null } = {}) {
    super(message);
    this.code = code;
    this.fallBack = fallBack; // whether another way of transport may help
    this.retryAfterS = retryAfterS; // seconds after which it may be tried again
  }
}

export function explain(code, detail = "", retryAfterS = null) {
  const microphone = `The microphone could not be opened: does another program use it? (${detail})`;
  const message = code === "microphone" ? microphone : MENDS[code];
  return new ParleyError(code, message ?? `Something went wrong: ${detail}`, { retryAfterS });
}

// The same for an `error` event.
export function explainEvent({ code, message, retry_after_s = null }) {
  return explain(code, message, retry_after_s);
}
