// Elements, briefly.
export const $ = (id) => document.getElementById(id);

// An element with properties, `data` and attributes (`role`, `aria-...`), and what is in it.
export function el(name, { data = {}, ...given } = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  Object.assign(made.dataset, data);
  made.append(...inside.filter((part) => part !== null));
  return made;
}

// Says it only if it is news: screen readers and selections are left in peace.
export function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
