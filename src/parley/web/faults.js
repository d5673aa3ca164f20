// What can go wrong, in plain words, and the mend. The words are in the catalogues, by the codes that the server and the page use.
import { has, say } from "./strings.js";

export const WITHOUT_MICROPHONE = new Set(["insecure", "denied", "no-device", "microphone"]);
// What the server says before it ends a connection.
export const LAST_WORDS = new Set(["server_stopping", "session_expired", "too_many_errors", "slow_client", "removed"]);

export class ParleyError extends Error {
  // `words`: of strings.js, or text.
  constructor(code, words, { fallBack = false, retryAfterS = null } = {}) {
    super(String(words));
    this.code = code;
    this.words = words;
    this.fallBack = fallBack; // whether another way of transport may help
    this.retryAfterS = retryAfterS; // seconds after which it may be tried again
  }
}

export function explain(code, detail = "", more = {}) {
  const key = `faults.${code}`;
  return new ParleyError(code, say(has(key) ? key : "faults.other", { detail }), more);
}

// The same for an `error` event.
export function explainEvent({ code, message, retry_after_s: retryAfterS = null }) {
  return explain(code, message, { retryAfterS });
}
