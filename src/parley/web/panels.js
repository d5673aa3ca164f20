// For developers: connection, latency, models by their ids, logs. Behind a switch of the settings.
import { joined, put, say } from "./strings.js";

const $ = (id) => document.getElementById(id);
const STAGES = [
  "capture", "detection", "recognition", "endpointing", "first_token", "first_clause", "first_audio", "playout", "network",
];
const LOGS = ["webrtc", "audio", "model"];
const KEPT = 200;

export class Panels {
  constructor({ settings, headers }) {
    this.headers = headers; // a function
    this.totals = [];
    $("set-developer").checked = settings.developer;
    $("set-developer").addEventListener("change", () => {
      settings.developer = $("set-developer").checked;
      settings.keep();
      this.show(settings.developer);
    });
    this.show(settings.developer);
    $("latency-legend").replaceChildren(...STAGES.map((stage) => {
      const item = document.createElement("li");
      const words = document.createElement("span");
      put(words, say(`stage.${stage}`));
      item.append(swatch(stage), words);
      return item;
    }));
    for (const name of LOGS) $(`log-${name}`).addEventListener("toggle", (event) => event.target.open && this.readLog(name));
    setInterval(() => LOGS.forEach((name) => $(`log-${name}`).open && $("panels").open && this.readLog(name)), 2000);
  }

  show(on) {
    document.body.classList.toggle("developer", Boolean(on));
    $("show-panels").hidden = !on;
  }

  about({ models, tiny_llm, better_llms }) {
    $("model-ids").textContent = Object.entries(models).map(([part, id]) => `${part}: ${id}`).join(", ");
    $("tiny").hidden = !tiny_llm;
    $("better").replaceChildren(...better_llms.map(({ id, summary, bytes }) => {
      const line = document.createElement("li");
      const command = document.createElement("code");
      command.textContent = `--llm ${id}`;
      line.append(command, ` ${summary} (${Math.round(bytes / 1e6)} MB)`);
      return line;
    }));
  }

  path({ kind, why }) {
    $("path").textContent = kind === "webrtc" ? "WebRTC" : "WebSocket";
    put($("path-why"), why ? say("panels.why", { why }) : "");
  }

  quality({ path, rtt_ms = null, jitter_ms = null, lost = null, codec = "" }) {
    $("path").textContent = path;
    $("codec").textContent = codec || "–";
    $("rtt").textContent = rtt_ms === null ? "–" : `${rtt_ms} ms`;
    $("jitter").textContent = jitter_ms === null ? "–" : `${jitter_ms} ms`;
    put($("lost"), lost === null ? "–" : say("panels.packets", { count: lost }));
  }

  take(event) {
    if (event.type !== "parley.waterfall") return;
    this.totals.push(event.total_ms);
    if (this.totals.length > KEPT) this.totals.shift();
    const sorted = [...this.totals].sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    put($("percentiles"), say("panels.answers", { count: sorted.length, p50: at(0.5), p95: at(0.95) }));
    const line = document.createElement("li");
    const bar = document.createElement("span");
    bar.className = "bar";
    for (const stage of STAGES) {
      const ms = event.parts_ms[stage] ?? 0;
      if (ms <= 0) continue;
      const part = swatch(stage);
      part.style.flexGrow = ms;
      put(part, joined([say(`stage.${stage}`), `${ms} ms`], " "), "title");
      bar.append(part);
    }
    bar.style.width = `${Math.min(100, event.total_ms / 10)}%`;
    const parts = STAGES.filter((s) => event.parts_ms[s] > 0).map((s) => joined([say(`stage.${s}`), event.parts_ms[s]], " "));
    line.append(`${event.total_ms} ms`, bar);
    put(line, say("panels.of_answer", { ms: event.total_ms, parts: joined(parts) }), "aria-label");
    $("latency").prepend(line);
    while ($("latency").children.length > 10) $("latency").lastChild.remove();
  }

  async readLog(name) {
    const target = $(`log-${name}-text`);
    try {
      const answer = await fetch(`logs/${name}`, { headers: this.headers() });
      put(target, answer.ok ? (await answer.text()).trimEnd().split("\n").slice(-KEPT).join("\n") : say("panels.no_log"));
      target.scrollTop = target.scrollHeight;
    } catch {
      put(target, say("panels.no_server"));
    }
  }
}

function swatch(stage) {
  const box = document.createElement("span");
  box.className = `stage-part ${stage}`;
  return box;
}
