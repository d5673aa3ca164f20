// Questions to begin with: a click asks one, and no microphone is needed.
const QUESTIONS = ["What is the capital of France?", "Why is the sky blue?", "Tell me a short story about a lighthouse."];

export class Examples {
  constructor(ask) {
    document.getElementById("examples").replaceChildren(...QUESTIONS.map((text) => {
      const line = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => ask(text));
      line.append(button);
      return line;
    }));
  }
}
