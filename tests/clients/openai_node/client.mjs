// The official Node SDK: speech, transcription, chat and a spoken conversation with two tools.
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { toFile } from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const RATE = 24000;
const tools = { bridge_age: ({ bridge }) => "143 years", weather: ({ city }) => "sunny" };
const fields = { bridge_age: "bridge", weather: "city" };
const tell = (feature, ok, ...seen) => console.log(JSON.stringify({ feature, ok: Boolean(ok), seen: seen.join(" | ") }));
const client = new OpenAI();

async function speak(rt, over) {
  const sound = fs.readFileSync(process.env.QUESTION).subarray(44);
  const step = (RATE / 50) * 2;
  for (let at = 0; !over(); at += step) {
    const part = at < sound.length ? sound.subarray(at, at + step) : Buffer.alloc(step);
    rt.send({ type: "input_audio_buffer.append", audio: part.toString("base64") });
    await sleep(20);
  }
}

function converse(withTools) {
  return new Promise((resolve, reject) => {
    const rt = new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);
    let [heard, words, sound, calls, over] = ["", "", 0, [], false];
    rt.on("error", reject);
    rt.on("session.created", () => {
      const session = { type: "realtime", instructions: "Answer in one sentence.", audio: { output: { voice: "cedar" } } };
      session.audio.input = { transcription: { model: "gpt-4o-transcribe" }, turn_detection: { type: "semantic_vad" } };
      if (withTools)
        session.tools = Object.keys(tools).map((name) => ({
          type: "function", name, description: name,
          parameters: { type: "object", properties: { [fields[name]]: { type: "string" } }, required: [fields[name]] },
        }));
      rt.send({ type: "session.update", session });
    });
    rt.on("session.updated", () => speak(rt, () => over).catch(reject));
    rt.on("conversation.item.input_audio_transcription.completed", (e) => (heard += e.transcript));
    rt.on("response.output_audio_transcript.delta", (e) => (words += e.delta));
    rt.on("response.output_audio.delta", (e) => (sound += Buffer.from(e.delta, "base64").length));
    rt.on("response.function_call_arguments.done", (e) => calls.push(e));
    rt.on("response.done", () => {
      if (calls.length) {
        for (const { name, call_id, arguments: given } of calls.splice(0)) {
          const output = tools[name](JSON.parse(given));
          rt.send({ type: "conversation.item.create", item: { type: "function_call_output", call_id, output } });
        }
        rt.send({ type: "response.create" });
        return;
      }
      over = true;
      rt.close();
      resolve({ heard, words, seconds: sound / 2 / RATE });
    });
  });
}

const speech = await client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "nova", input: "The library is open today." });
const file = await toFile(Buffer.from(await speech.arrayBuffer()), "speech.mp3");
const back = await client.audio.transcriptions.create({ model: "whisper-1", file });
tell("speech", /library/i.test(back.text), back.text);

const heard = await client.audio.transcriptions.create({ model: "gpt-4o-transcribe", file: fs.createReadStream(process.env.QUESTION) });
const timed = await client.audio.transcriptions.create({
  model: "whisper-1", file: fs.createReadStream(process.env.QUESTION), response_format: "verbose_json", timestamp_granularities: ["word"],
});
tell("transcription", /bridge/i.test(heard.text) && timed.words.length > 3, heard.text, JSON.stringify(timed.words));

const chat = await client.chat.completions.create({ model: "gpt-5-mini", messages: [{ role: "user", content: "How old is the bridge?" }] });
tell("chat", /1883/.test(chat.choices[0].message.content), chat.choices[0].message.content);

const plain = await converse(false);
tell("realtime", /bridge/i.test(plain.heard) && /1883/.test(plain.words) && plain.seconds > 1, JSON.stringify(plain));
const called = await converse(true);
tell("two tools", /143 years/.test(called.words) && /sunny/.test(called.words) && called.seconds > 1, JSON.stringify(called));
