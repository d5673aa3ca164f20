// Looks whether the server is there and well, often enough that its end is seen within two seconds.
//
// Events: "gone" (whether it gives no sign of life), "down" (the parts without which nobody is answered).
const TALKING_S = 0.4;
const IDLE_S = 1.5;
const ANSWERS_WITHIN_MS = 1200;
const SILENT_TIMES = 4; // a busy server may be late, and its sound may still come: then the connection is none any more

export class Watch extends EventTarget {
  constructor(talk) {
    super();
    this.talk = talk;
    this.missed = 0;
    this.down = "";
  }

  async run() {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, (this.talk.connected ? TALKING_S : IDLE_S) * 1000));
      if (!document.hidden || this.talk.connected) await this.look();
    }
  }

  async look() {
    let down = [];
    try {
      const answer = await fetch("health", { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS), cache: "no-store" });
      if (answer.status === 503) ({ down = [] } = await answer.json());
      this.missed = 0;
    } catch (fault) {
      this.missed += 1;
      if (this.missed === 1) this.tell("gone", true);
      const late = fault.name === "TimeoutError" || fault.name === "AbortError";
      if (this.missed >= (late ? SILENT_TIMES : 2)) this.talk.lost();
      this.silent = true;
      return;
    }
    if (this.silent) this.tell("gone", false);
    this.silent = false;
    if (String(down) !== this.down) this.tell("down", down);
    this.down = String(down);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
