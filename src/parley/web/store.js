// What the browser keeps: for good (`kept`), and for this tab (`tab`). Where it keeps nothing (blocked cookies), as long as
// the page is open.
class Memory {
  constructor() {
    this.values = new Map();
  }

  get length() {
    return this.values.size;
  }

  key(at) {
    return [...this.values.keys()][at];
  }

  getItem(name) {
    return this.values.get(name) ?? null;
  }

  setItem(name, value) {
    this.values.set(name, value);
  }

  removeItem(name) {
    this.values.delete(name);
  }
}

function opened(name) {
  try {
    return window[name]; // the very look at it is refused
  } catch {
    return new Memory();
  }
}

export const kept = opened("localStorage");
export const tab = opened("sessionStorage");
export const keeps = !(kept instanceof Memory);

// Returns whether there was room for it.
export function keep(name, value) {
  try {
    kept.setItem(name, value);
    return true;
  } catch {
    return false;
  }
}
