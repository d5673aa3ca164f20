// Elements, briefly.
import { Words, put } from "./strings.js";

export const $ = (id) => document.getElementById(id);

// An element with properties, `data` and attributes (`role`, `aria-...`, and those that are words), and what is in it.
export function el(name, { data = {}, ...given } = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value instanceof Words) put(made, value, key);
    else if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  Object.assign(made.dataset, data);
  if (inside.length === 1 && inside[0] instanceof Words) put(made, inside[0]);
  else made.append(...inside.filter((part) => part !== null).map((part) => (part instanceof Words ? el("span", {}, part) : part)));
  return made;
}

// What a menu offers; `entries`: of values and their words.
export function choices(select, entries) {
  select.replaceChildren(...entries.map(([value, words]) => {
    const option = new Option("", value);
    put(option, words);
    return option;
  }));
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
