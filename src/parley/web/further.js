// Voices that the server could bring: a button for each, and how far the one is that was asked for.
import { megabytes, shortVoiceName, voiceName } from "./names.js";
import { put, say } from "./strings.js";

const COMING = ["pulling", "loading"];

export class Further {
  constructor(box, { headers, ask }) {
    this.box = box;
    this.headers = headers; // a function
    this.ask = ask; // looks at the server again
  }

  // Returns whether one is coming.
  show(voices) {
    const gone = new Set([...this.box.children].map((row) => row.dataset.id));
    for (const voice of voices) {
      gone.delete(voice.id);
      const row = this.row(voice);
      const before = this.find(voice.id);
      if (!before) this.box.append(row);
      else if (before.dataset.shown !== row.dataset.shown) before.replaceWith(row);
    }
    for (const id of gone) this.find(id).remove();
    this.box.hidden = !voices.length;
    return voices.some(({ state }) => COMING.includes(state));
  }

  find(id) {
    return [...this.box.children].find((row) => row.dataset.id === id);
  }

  row({ id, summary, languages, voices, bytes, state, done, why }) {
    const name = voices > 1 ? say("voices.several", { name: shortVoiceName(id), count: voices }) : voiceName(id, { summary, languages });
    const row = document.createElement("div");
    row.className = "voice further";
    row.dataset.id = id;
    const text = document.createElement("span");
    put(text, this.words(name, { bytes, state, done, why }));
    row.append(text);
    if (COMING.includes(state)) {
      const progress = document.createElement("progress");
      put(progress, name, "aria-label");
      if (state === "pulling" && bytes) progress.value = done / bytes;
      row.append(progress);
    } else {
      const get = document.createElement("button");
      get.type = "button";
      const [words, label] = state === "failed" ? ["page.try_again", "voices.try_it_again"] : ["voices.get", "voices.get_it"];
      put(get, say(words));
      put(get, say(label, { name }), "aria-label");
      get.addEventListener("click", () => this.bring(id, row, text, get));
      row.append(get);
    }
    row.dataset.shown = text.textContent;
    return row;
  }

  words(name, { bytes, state, done, why }) {
    switch (state) {
      case "pulling":
        return say("voices.pulling", { name, done: megabytes(done), size: megabytes(bytes) });
      case "loading":
        return say("voices.loading", { name });
      case "failed":
        return say("voices.failed", { name, why: why.split("\n")[0] });
      default:
        return say("voices.size", { name, size: megabytes(bytes) });
    }
  }

  async bring(id, row, text, button) {
    button.disabled = true;
    row.dataset.shown = ""; // whatever comes back is shown
    try {
      const answer = await fetch("v1/parley/voices", {
        method: "POST",
        headers: { "Content-Type": "application/json", ...this.headers() },
        body: JSON.stringify({ voice: id }),
      });
      if (!answer.ok) throw new Error((await answer.json()).error.message);
      this.ask();
    } catch (fault) {
      put(text, say("voices.not_had", { why: fault.message }));
      button.disabled = false;
    }
  }
}
