// The words of the page, in the language of whoever reads it. A language is a file, strings/CODE.json; which there are, and which one the server
// itself speaks, stands at the <html> element, where the server has put it. On another page (parley.js) it is English.
//
// `say` gives words that know what they mean, and are put into the language of the moment when they are shown. What `put` has shown it shows anew
// when another language is chosen.
import { keep, kept } from "./store.js";

const CHOSEN = "parley-page-language";
const FALLBACK = "en";
const COMES_WITHIN_MS = 10_000;
const root = document.documentElement;
const ATTRIBUTES = { string: "", stringLabel: "aria-label", stringPlaceholder: "placeholder" }; // data-string=KEY and so on; "": the text itself

export const languages = (root.dataset.languages ?? FALLBACK).split(" "); // their codes
export let language = picked();
let wanted = language; // while it is on its way
const catalogues = {};
const shown = new WeakMap(); // element -> attribute ("": its text) -> words

await Promise.all([...new Set([FALLBACK, language])].map(load));
if (!catalogues[language]) language = FALLBACK;

// What was chosen here, else what the server speaks, else what the browser is set to.
function picked() {
  const asked = [kept.getItem(CHOSEN), root.dataset.language, ...navigator.languages];
  return asked.map(base).find((code) => languages.includes(code)) ?? FALLBACK;
}

function base(tag) {
  return (tag ?? "").toLowerCase().split("-")[0];
}

// A catalogue that does not come leaves the page in English, as a sentence that one lacks.
async function load(code) {
  if (catalogues[code]) return;
  try {
    const answer = await fetch(new URL(`strings/${code}.json`, import.meta.url), { signal: AbortSignal.timeout(COMES_WITHIN_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    catalogues[code] = await answer.json();
  } catch (fault) {
    console.warn(`the words of the language ${code} did not come:`, fault);
  }
}

function found(key, code) {
  const [group, name] = key.split(".");
  return Object.hasOwn(catalogues[code] ?? {}, group) && Object.hasOwn(catalogues[code][group], name) ? catalogues[code][group][name] : null;
}

export function has(key) {
  return found(key, FALLBACK) !== null;
}

export class Words {
  constructor(make) {
    this.make = make;
  }

  toString() {
    return this.make();
  }

  toJSON() {
    return this.make(); // as which shapes are compared
  }
}

// The sentence of a key, GROUP.NAME, with `values` in its {places}: text, words, or numbers, which are written as the language does. Where the
// catalogue has one for each plural, `count` chooses.
export function say(key, values = {}) {
  return new Words(() => {
    const code = found(key, language) === null ? FALLBACK : language;
    let sentence = found(key, code) ?? key;
    if (typeof sentence === "object") sentence = sentence[new Intl.PluralRules(code).select(values.count)] ?? sentence.other;
    return sentence.replace(/\{(\w+)\}/g, (place, name) => (name in values ? written(values[name]) : place));
  });
}

// What the server has said in English, where a group of the catalogue knows these very words; else as they are.
export function known(group, text) {
  const name = Object.entries(catalogues[FALLBACK]?.[group] ?? {}).find(([, sentence]) => sentence === text)?.[0];
  return name ? say(`${group}.${name}`) : text;
}

function written(value) {
  return typeof value === "number" ? new Intl.NumberFormat(locale()).format(value) : String(value);
}

// All that are not empty, one behind the other.
export function joined(parts, between = ", ") {
  return new Words(() => parts.map(String).filter(Boolean).join(between));
}

// A point in time, by `options` of Intl.DateTimeFormat.
export function moment(at, options) {
  return new Words(() => new Intl.DateTimeFormat(locale(), options).format(at));
}

export function languageName(code, { own = false } = {}) {
  return new Words(() => {
    try {
      return new Intl.DisplayNames([own ? code : language], { type: "language" }).of(code);
    } catch {
      return code; // none that is registered
    }
  });
}

// With the habits of the reader's country, where the browser tells it.
function locale() {
  return navigator.languages.find((tag) => base(tag) === language) ?? language;
}

// Shows words as the text of an element, or as an attribute, if they are news: screen readers and selections are left in peace.
export function put(element, words, attribute = "") {
  const its = shown.get(element) ?? new Map();
  shown.set(element, its);
  if (words instanceof Words) its.set(attribute, words);
  else its.delete(attribute);
  write(element, attribute, String(words));
}

function write(element, attribute, text) {
  if (attribute && element.getAttribute(attribute) !== text) element.setAttribute(attribute, text);
  if (!attribute && element.textContent !== text) element.textContent = text;
}

// Everything that the page's own HTML has keys for; before that nothing is seen.
export function fill() {
  if (!Object.keys(catalogues).length) throw new Error("no words came: the page says that parts of it are missing");
  for (const element of document.querySelectorAll("[data-string], [data-string-label], [data-string-placeholder]")) {
    for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
      if (element.dataset[name]) put(element, say(element.dataset[name]), attribute);
    }
  }
  root.lang = language;
  root.dataset.filled = ""; // what frame.css waits for
}

// For good: this browser keeps it. Where its catalogue does not come everything stays as it is.
export async function choose(code) {
  wanted = code;
  await load(code);
  if (wanted !== code || !catalogues[code]) return; // another one was chosen meanwhile
  language = code;
  keep(CHOSEN, code);
  root.lang = code;
  for (const element of document.querySelectorAll("*")) {
    for (const [attribute, words] of shown.get(element) ?? []) write(element, attribute, String(words));
  }
}
