// What the next debate is to be. Kept in this browser.
import { $, choices, el } from "./dom.js";
import { keep, kept } from "./store.js";
import { known, put, say } from "./strings.js";
import { Speakers } from "./debate-speakers.js";

const STORE = "parley-debate";
const NAME = "parley-name";
const TOPICS = ["cats", "homework", "cars", "pineapple", "four_days"];

export class Setup extends EventTarget {
  constructor({ headers, fault }) {
    super();
    this.headers = headers; // a function
    this.formats = [];
    this.speakers = new Speakers({ headers, fault, changed: () => this.keep() });
    for (const option of $("set-minutes").options) if (option.value) put(option, say("setup.minutes", { count: Number(option.value) }));
    this.read();
    $("topics").append(...TOPICS.map((name) => this.example(say(`setup.${name}`))));
    $("setup").addEventListener("submit", (event) => {
      event.preventDefault();
      this.dispatchEvent(new Event("done"));
    });
    $("setup").addEventListener("change", () => this.keep());
    $("set-topic").addEventListener("input", () => this.keep());
    $("set-format").addEventListener("change", () => this.follow({ cut: true }));
    for (const id of ["set-name", "guest-name"]) {
      $(id).value = kept.getItem(NAME) ?? "";
      $(id).addEventListener("input", () => keep(NAME, $(id).value.trim()));
    }
  }

  example(topic) {
    const button = el("button", { type: "button" }, topic);
    button.addEventListener("click", () => {
      $("set-topic").value = topic;
      this.keep();
    });
    return el("li", {}, button);
  }

  read() {
    try {
      const { topic = "", format = "debate", minutes = "10", listens = false, debaters = [], lead = null } = JSON.parse(kept.getItem(STORE) ?? "{}");
      $("set-topic").value = topic;
      $("set-minutes").value = minutes;
      $("setup").elements.part.value = listens ? "listen" : "speak";
      this.wantedFormat = format;
      this.speakers.debaters = debaters;
      if (lead) this.speakers.lead = lead;
    } catch {
      kept.removeItem(STORE);
    }
  }

  keep() {
    const { speakers: { debaters, lead }, listens } = this;
    const format = $("set-format").value || this.wantedFormat;
    keep(STORE, JSON.stringify({ topic: this.topic, format, minutes: $("set-minutes").value, listens, debaters, lead }));
    this.dispatchEvent(new Event("changed"));
  }

  async ask() {
    if (this.formats.length) return;
    const answer = await fetch("v1/debate/formats", { headers: this.headers() });
    if (!answer.ok) return;
    this.formats = (await answer.json()).data;
    choices($("set-format"), this.formats.map(({ name, title }) => [name, known("formats", title)]));
    $("set-format").value = this.wantedFormat;
    if ($("set-format").selectedIndex < 0) $("set-format").selectedIndex = 0;
    this.follow({ cut: false });
  }

  // The rest of the form is as the format wants it; `cut`: no more debaters than it has.
  follow({ cut }) {
    const format = this.formats.find(({ name }) => name === $("set-format").value);
    put($("format-about"), known("formats", format.about));
    $("format-rounds").replaceChildren(...format.rounds.map(({ name, seconds, repeat }) => {
      const how = repeat === 0 ? "again_and_again" : repeat > 1 ? "each_times" : "each";
      return el("li", {}, known("formats", name), el("small", {}, say(`setup.${how}`, { seconds, times: repeat })));
    }), ...(format.vote ? [el("li", {}, say("setup.vote"))] : []));
    this.speakers.follow(format, { cut });
  }

  get topic() {
    return $("set-topic").value.trim();
  }

  get listens() {
    return $("setup").elements.part.value === "listen";
  }

  get ready() {
    return Boolean(this.topic && this.formats.length);
  }

  get wanted() {
    const minutes = Number($("set-minutes").value);
    return { topic: this.topic, format: $("set-format").value, ...(minutes ? { minutes } : {}), ...this.speakers.wanted };
  }
}
