// @openai/agents-realtime in Node: a spoken conversation, and one with two tools, over WebSocket with an ephemeral key.
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";

const RATE = 24000;
const base = process.env.OPENAI_BASE_URL;
const tell = (feature, ok, ...seen) => console.log(JSON.stringify({ feature, ok: Boolean(ok), seen: seen.join(" | ") }));
const tools = [
  tool({ name: "bridge_age", description: "Age", parameters: z.object({ bridge: z.string() }), execute: async () => "143 years" }),
  tool({ name: "weather", description: "Weather", parameters: z.object({ city: z.string() }), execute: async () => "sunny" }),
];
const words = (history, role) =>
  history.filter((i) => i.type === "message" && i.role === role)
    .flatMap((i) => i.content.map((c) => c.transcript ?? c.text ?? "")).join(" ");

async function ephemeralKey() {
  const answer = await fetch(`${base}/realtime/client_secrets`, {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env.OPENAI_API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ session: { type: "realtime", model: "gpt-realtime" } }),
  });
  return (await answer.json()).value;
}

async function converse(given, ...awaited) {
  const session = new RealtimeSession(new RealtimeAgent({ name: "Guide", instructions: "Answer in one sentence.", tools: given }), {
    transport: "websocket", model: "gpt-realtime", tracingDisabled: true,
  });
  let [sound, ran, history, over] = [0, [], [], false];
  const answered = new Promise((resolve, reject) => {
    session.on("error", (e) => reject(new Error(JSON.stringify(e.error))));
    session.on("audio", (e) => (sound += e.data.byteLength));
    session.on("agent_tool_end", (_context, _agent, { name }) => ran.push(name));
    session.on("history_updated", (h) => {
      history = h;
    });
    session.on("agent_end", () => awaited.every((x) => words(history, "assistant").includes(x)) && resolve());
    setTimeout(() => reject(new Error(`no answer: ${JSON.stringify(history)}`)), 60_000).unref();
  });
  await session.connect({ apiKey: await ephemeralKey(), url: `${base.replace("http", "ws")}/realtime?model=gpt-realtime` });
  const question = fs.readFileSync(process.env.QUESTION).subarray(44);
  const speaking = (async () => {
    const step = (RATE / 50) * 2;
    for (let at = 0; !over; at += step) {
      const part = at < question.length ? question.subarray(at, at + step) : Buffer.alloc(step);
      session.sendAudio(new Uint8Array(part).buffer);
      await sleep(20);
    }
  })();
  await Promise.race([answered, speaking]);
  over = true;
  await speaking;
  session.close();
  return { heard: words(history, "user"), said: words(history, "assistant"), seconds: sound / 2 / RATE, ran };
}

const plain = await converse([], "1883");
tell("realtime", /bridge/i.test(plain.heard) && /1883/.test(plain.said) && plain.seconds > 1, JSON.stringify(plain));
const called = await converse(tools, "143 years", "sunny");
const both = called.ran.toSorted().join() === "bridge_age,weather";
tell("two tools", both && /143 years/.test(called.said) && /sunny/.test(called.said) && called.seconds > 1, JSON.stringify(called));
process.exit(0);
