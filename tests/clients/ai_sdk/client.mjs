// Vercel's AI SDK with its OpenAI provider: speech, transcription, chat and two tools.
import fs from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { experimental_generateSpeech as generateSpeech, experimental_transcribe as transcribe, generateText, isStepCount, tool } from "ai";
import { z } from "zod";

const tell = (feature, ok, ...seen) => console.log(JSON.stringify({ feature, ok: Boolean(ok), seen: seen.join(" | ") }));
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY });

const { audio } = await generateSpeech({ model: openai.speech("tts-1"), text: "The library is open today.", voice: "fable" });
const back = await transcribe({ model: openai.transcription("whisper-1"), audio: audio.uint8Array });
tell("speech", /library/i.test(back.text), audio.mediaType, back.text);

const heard = await transcribe({ model: openai.transcription("whisper-1"), audio: fs.readFileSync(process.env.QUESTION) });
const ok = /bridge/i.test(heard.text) && heard.segments.length > 0 && heard.durationInSeconds > 1;
tell("transcription", ok, heard.text, heard.language, JSON.stringify(heard.segments));

const prompt = "How old is the bridge?";
const chat = await generateText({ model: openai.chat("gpt-4o"), prompt });
tell("chat", /1883/.test(chat.text), chat.text);

const called = await generateText({
  model: openai.chat("gpt-4o"), prompt, stopWhen: isStepCount(4),
  tools: {
    bridge_age: tool({ description: "Age", inputSchema: z.object({ bridge: z.string() }), execute: async () => "143 years" }),
    weather: tool({ description: "Weather", inputSchema: z.object({ city: z.string() }), execute: async () => "sunny" }),
  },
});
tell("two tools", /143 years/.test(called.text) && /sunny/.test(called.text), called.text);
