// A button that copies a text, and files to keep.
import { icon } from "./icon.js";
import { put, say } from "./strings.js";

export function copyButton(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon tiny copy";
  const show = (name, words) => {
    button.replaceChildren(icon(name));
    put(button, words, "aria-label");
  };
  show("copy", say("transcript.copy"));
  button.addEventListener("click", async () => {
    await copy(text());
    show("done", say("transcript.copied"));
    setTimeout(() => show("copy", say("transcript.copy")), 1500);
  });
  return button;
}

// Browsers give no clipboard to plain http, and some refuse it: a selection is copied there.
export async function copy(text) {
  try {
    return await navigator.clipboard.writeText(text);
  } catch {
    select(text);
  }
}

function select(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function download(name, text, type = "text/plain") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
