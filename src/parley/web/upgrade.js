// A better language model on its way: how far it is, then who answers now.
import { megabytes, modelName } from "./names.js";
import { put, say } from "./strings.js";

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
      put($("upgrade-title"), title);
      put($("upgrade-text"), text);
      $("upgrade").hidden = !news || this.closed === state;
      $("upgrade").dataset.state = state;
    }
    const progress = $("upgrade-progress");
    progress.hidden = !coming;
    if (state === "pulling" && total) progress.value = done / total;
    else progress.removeAttribute("value");
    const refused = state === "failed" || state === "not suitable";
    $("upgrade-why").hidden = !refused;
    put($("upgrade-why"), refused ? say("upgrade.not_taken", { better, why }) : "");
    this.seen = state;
    return coming;
  }

  words(state, better, now, { done, total, why }) {
    switch (state) {
      case "waiting":
        return [say("upgrade.on_its_way"), say("upgrade.waiting", { better, now })];
      case "pulling":
        return [say("upgrade.on_its_way"), say("upgrade.pulling", { better, now, done: megabytes(done), total: megabytes(total) })];
      case "loading":
        return [say("upgrade.nearly_there"), say("upgrade.loading", { better, now })];
      case "quickening":
        return [say("upgrade.nearly_there"), say("upgrade.quickening", { better, now })];
      case "in place":
        return [say("upgrade.in_place", { better }), say("upgrade.goes_on")];
      case "failed":
        return [say("upgrade.failed"), say("upgrade.failed_why", { now, why })];
      default:
        return ["", ""];
    }
  }
}
