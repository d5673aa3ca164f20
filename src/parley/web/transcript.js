// The transcript: words not yet spoken are pale, words never heard are struck out.

export class Transcript {
  constructor(list) {
    this.list = list;
    this.answers = new Map(); // response -> {line, text, words, heard, ...}
    this.turns = new Map(); // item -> line
  }

  take(event) {
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        this.turn(event.item_id, "…");
        break;
      case "conversation.item.added":
        if (event.item.role === "user" && event.item.content[0]?.type === "input_text") {
          this.turn(event.item.id, event.item.content[0].text);
        }
        break;
      case "conversation.item.input_audio_transcription.completed":
        this.turn(event.item_id, event.transcript || "(nothing understood)");
        break;
      case "conversation.item.input_audio_transcription.failed":
        this.turn(event.item_id, "(could not be understood)");
        break;
      case "response.output_audio_transcript.delta":
      case "response.output_text.delta":
        this.answer(event.response_id).text += event.delta;
        this.draw(event.response_id);
        break;
      case "parley.response.words":
        this.answer(event.response_id).words.push(...event.words);
        break;
      case "parley.waterfall":
        this.answer(event.response_id).ms = event.total_ms;
        this.draw(event.response_id);
        break;
      case "response.output_audio_transcript.done":
        this.settle(event.response_id, event.transcript);
        break;
      case "response.output_text.done":
        this.settle(event.response_id, event.text);
        break;
      case "parley.response.heard":
        this.settle(event.response_id, event.heard_text);
        break;
    }
  }

  heardUntil(response, audioMs) {
    const answer = this.answers.get(response);
    if (!answer || answer.done) return;
    for (const [end, at] of answer.words) if (at <= audioMs) answer.heard = Math.max(answer.heard, end);
    this.draw(response);
  }

  turn(item, text) {
    let line = this.turns.get(item);
    if (!line) {
      line = this.line("you", "you");
      this.turns.set(item, line);
    }
    line.querySelector(".said").textContent = text;
    this.scroll();
  }

  answer(response) {
    if (!this.answers.has(response)) {
      this.answers.set(response, { line: this.line("parley", "parley"), text: "", words: [], heard: 0, done: false });
    }
    return this.answers.get(response);
  }

  settle(response, heardText) {
    const answer = this.answer(response);
    answer.done = true;
    answer.heard = heardText.length;
    this.draw(response);
  }

  draw(response) {
    const { line, text, heard, done, ms } = this.answers.get(response);
    line.querySelector(".said").textContent = text.slice(0, heard);
    const rest = line.querySelector(".rest");
    rest.textContent = text.slice(heard);
    rest.className = done ? "rest unheard" : "rest coming";
    if (ms !== undefined) line.querySelector(".time").textContent = `${ms} ms`;
    this.scroll();
  }

  line(kind, who) {
    this.list.querySelector(".hint")?.remove();
    const line = document.createElement("li");
    line.className = kind;
    for (const [name, content] of [["who", who], ["said", ""], ["rest", ""], ["time", ""]]) {
      const part = document.createElement("span");
      part.className = name;
      part.textContent = content;
      line.append(part);
    }
    this.list.append(line);
    return line;
  }

  // Everything that was said and heard, for a file.
  text() {
    const lines = [...this.list.querySelectorAll("li:not(.hint)")].map((line) => {
      const unheard = line.querySelector(".unheard")?.textContent;
      return `${line.className}: ${line.querySelector(".said").textContent}${unheard ? ` [not heard: ${unheard.trim()}]` : ""}`;
    });
    return `${lines.join("\n")}\n`;
  }

  scroll() {
    this.list.scrollTop = this.list.scrollHeight;
  }
}
