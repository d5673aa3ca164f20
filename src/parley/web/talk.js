// A conversation's connection: begun, lost and taken up again, refused and tried again, ended.
//
// Events: "event", "levels", "position", "path", "quality", "blocked" as of Parley; "state" (of Parley, or offline,
// connecting, asking (for the microphone), returning, busy), "fault" (a ParleyError), "busy" (seconds until it is tried again), "begun" ({resumed,
// returning}: whether the server still had the conversation, and whether it was taken up after a loss), "microphone" (whether there is one).
import { Parley } from "./parley.js";
import { ParleyError, WITHOUT_MICROPHONE, explain } from "./faults.js";
import { say } from "./strings.js";

const RETURN_AFTER_S = [0.2, 1, 2, 3]; // the last again and again, while the server keeps the conversation
const KEPT_S = 60;
const BUSY_S = 10; // where the server does not say when
const PASSED_ON = ["event", "levels", "position", "path", "quality", "blocked", "state"];

export class Talk extends EventTarget {
  constructor({ options, apply, history }) {
    super();
    this.options = options; // a function: what a new Parley is made of
    this.apply = apply; // sends the settings
    this.history = history; // a function: items that the server is told where it knows nothing
    this.parley = null;
    this.microphone = true; // whether one is wanted
    this.state = "offline";
    this.unsaid = "";
    this.trial = 0; // whatever waits belongs to one; another one has begun when the numbers differ
  }

  get connected() {
    return this.parley?.connected ?? false;
  }

  get listens() {
    return this.parley?.listens ?? false;
  }

  // `say`: text to be answered once the connection stands.
  async start({ microphone = true, say = "" } = {}) {
    this.trial += 1;
    this.microphone = microphone;
    this.unsaid = say;
    await this.connect();
  }

  // Goes on with what this tab had before the page was loaded anew.
  async goOn(token, { microphone }) {
    this.trial += 1;
    this.microphone = microphone;
    if (!(await this.connect(token))) await this.comeBack(token);
  }

  say(text) {
    if (this.connected) this.parley.say(text);
    else if (this.state === "offline") this.start({ microphone: false, say: text }); // who types needs none
    else this.unsaid = text;
  }

  async listen() {
    const { state } = this;
    try {
      await this.parley.listen();
      this.microphone = true;
      this.tell("microphone", true);
    } catch (fault) {
      this.tell("fault", fault);
    }
    if (this.state === "asking") this.tell("state", state);
  }

  async connect(token = null) {
    const { trial } = this;
    this.tell("state", token ? "returning" : "connecting");
    const parley = this.parley = this.fresh(token);
    const resumed = new Promise((resolve) => {
      parley.addEventListener("event", ({ detail }) => detail.type === "parley.resume" && resolve(detail.resumed));
    });
    try {
      await parley.connect({ microphone: this.microphone });
      if (trial !== this.trial) {
        parley.disconnect();
        return true;
      }
      this.tell("microphone", parley.listens);
      this.tell("state", "LISTENING");
      this.apply(parley);
      this.began(await resumed, token);
      return true;
    } catch (fault) {
      if (trial !== this.trial) return true;
      return this.failed(fault, token);
    }
  }

  async failed(cause, token) {
    const fault = cause instanceof ParleyError ? cause : explain("", cause.message);
    if (this.microphone && WITHOUT_MICROPHONE.has(fault.code)) {
      fault.words = say("connection.and_type", { fault: fault.words });
      this.tell("fault", fault);
      this.microphone = false;
      return this.connect(token);
    }
    if (fault.code === "server_full") {
      this.waitForRoom(fault.retryAfterS ?? BUSY_S, token);
      return true;
    }
    if (token && fault.code === "unreachable") return false; // it is tried again
    this.tell("state", "offline");
    this.tell("fault", fault);
    return true;
  }

  async waitForRoom(seconds, token) {
    const { trial } = this;
    for (let left = Math.max(1, Math.round(seconds)); left > 0; left -= 1) {
      this.tell("state", "busy");
      this.tell("busy", left);
      await pause(1);
      if (trial !== this.trial) return;
    }
    if (!(await this.connect(token))) await this.comeBack(token);
  }

  // A lost network comes back, or an address has changed: the server keeps the conversation for a minute.
  async comeBack(token) {
    const { trial } = this;
    const until = performance.now() + KEPT_S * 1000;
    for (let attempt = 0; performance.now() < until; attempt += 1) {
      this.tell("state", "returning");
      await pause(RETURN_AFTER_S[Math.min(attempt, RETURN_AFTER_S.length - 1)]);
      if (trial !== this.trial) return;
      if (await this.connect(token)) return;
      if (trial !== this.trial) return;
    }
    this.tell("state", "offline");
    this.tell("fault", explain("unreachable"));
  }

  fresh(token) {
    const parley = new Parley(this.options());
    parley.resumeToken = token;
    const on = (name, act) => parley.addEventListener(name, ({ detail }) => this.parley === parley && act(detail));
    for (const name of PASSED_ON) on(name, (detail) => this.tell(name, detail));
    on("asking", () => this.tell("state", "asking"));
    on("microphone-gone", () => this.tell("fault", explain("microphone-gone")));
    on("closed", ({ lost, reason, code }) => {
      if (lost && parley.resumeToken) return this.comeBack(parley.resumeToken);
      this.tell("state", "offline");
      this.tell("fault", code ? explain(code) : new ParleyError("closed", reason));
    });
    return parley;
  }

  began(resumed, token) {
    if (!resumed) for (const item of this.history()) this.parley.send({ type: "conversation.item.create", item });
    this.tell("begun", { resumed, returning: token !== null });
    if (this.unsaid) this.parley.say(this.unsaid);
    this.unsaid = "";
  }

  // The server gives no sign of life: what still looks like a connection is none.
  lost() {
    if (this.connected) this.parley.closed(say("faults.lost"));
  }

  end() {
    this.trial += 1;
    this.parley?.disconnect();
    this.parley = null;
    this.tell("state", "offline");
  }

  tell(name, detail) {
    if (name === "state") this.state = detail;
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
