// What can go wrong, and the mend.
const MENDS = {
  insecure: "The browser gives no microphone to this address: open the page by https or on localhost.",
  denied: "The microphone was not allowed: click the lock beside the address, allow it, and connect again.",
  "no-device": "No microphone was found: plug one in and connect again.",
  unreachable: "The server does not answer: is it running?",
  invalid_api_key: "This server needs a key: enter it below.",
  server_full: "There is no room for another conversation now:",
};

export class ParleyError extends Error {
  constructor(code, message, { fallBack = false } = {}) {
    super(message);
    this.code = code;
    this.fallBack = fallBack; // whether another way of transport may help
  }
}

export function explain(code, detail = "") {
  if (code === "microphone") return new ParleyError(code, `The microphone could not be opened (${detail}): is another program using it?`);
  if (code === "server_full") return new ParleyError(code, `${MENDS[code]} ${detail}`.trim());
  return new ParleyError(code, MENDS[code] ?? detail);
}
