// Questions to begin with: a click asks one, and no microphone is needed.
import { put, say } from "./strings.js";

const QUESTIONS = ["capital", "sky", "story"];

export class Examples {
  constructor(ask) {
    document.getElementById("examples").replaceChildren(...QUESTIONS.map((name) => {
      const text = say(`welcome.${name}`);
      const line = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      put(button, text);
      button.addEventListener("click", () => ask(String(text)));
      line.append(button);
      return line;
    }));
  }
}
