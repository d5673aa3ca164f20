// A better language model on its way: how far it is, then who answers now.
import { megabytes, modelName } from "./names.js";

const $ = (id) => document.getElementById(id);
const COMING = ["waiting", "pulling", "loading", "quickening"];

export class Upgrade {
  constructor() {
    this.seen = ""; // the state that was shown last
    this.closed = "";
    $("upgrade-close").addEventListener("click", () => {
      this.closed = this.seen;
      $("upgrade").hidden = true;
    });
  }

  // Returns whether it is still coming.
  show(upgrade, answering) {
    const { model, state, done, total, why } = upgrade ?? { state: "" };
    const coming = COMING.includes(state);
    const better = model ? modelName(model) : "";
    const now = modelName(answering);
    const news = coming || (COMING.includes(this.seen) && state !== "not suitable");
    if (state !== this.seen || coming) {
      const [title, text] = this.words(state, better, now, { done, total, why });
      $("upgrade-title").textContent = title;
      $("upgrade-text").textContent = text;
      $("upgrade").hidden = !news || this.closed === state;
      $("upgrade").dataset.state = state;
    }
    const progress = $("upgrade-progress");
    progress.hidden = !coming;
    if (state === "pulling" && total) progress.value = done / total;
    else progress.removeAttribute("value");
    const refused = state === "failed" || state === "not suitable";
    $("upgrade-why").hidden = !refused;
    $("upgrade-why").textContent = refused ? `${better} was not taken: ${why}.` : "";
    this.seen = state;
    return coming;
  }

  words(state, better, now, { done, total, why }) {
    const meanwhile = `Talk meanwhile: until then ${now} answers, which is small and often wrong.`;
    switch (state) {
      case "waiting":
        return ["A better model is on its way.", `${better} is fetched as soon as nobody is being answered. ${meanwhile}`];
      case "pulling":
        return ["A better model is on its way.", `${better}: ${megabytes(done)} of ${megabytes(total)} MB. ${meanwhile}`];
      case "loading":
        return ["A better model is nearly there.", `${better} is being loaded and tried. ${meanwhile}`];
      case "quickening":
        return ["A better model is nearly there.", `${better} is made faster for this machine, which takes some minutes. ${meanwhile}`];
      case "in place":
        return [`${better} answers now.`, "The conversation goes on as it was."];
      case "failed":
        return ["The better model could not be had.", `${now} goes on answering; the next start of the server tries again. (${why})`];
      default:
        return ["", ""];
    }
  }
}
