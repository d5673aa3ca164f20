// Where the list of conversations is: on a wide window beside the page, else in a drawer.
import { keep, kept } from "./store.js";

const $ = (id) => document.getElementById(id);
const WIDE = matchMedia("(min-width: 64rem)");
const LIST_STANDS = "parley-list-stands";

export function setUpList() {
  const list = $("conversations");
  $("show-conversations").addEventListener("click", () => (list.open ? close(list) : open(list)));
  list.querySelector(".close").addEventListener("click", () => remember("no"));
  list.addEventListener("close", () => told(list));
  WIDE.addEventListener("change", () => place(list));
  place(list);
}

// Where there is no room beside the page it comes when asked for.
function place(list) {
  list.close();
  if (WIDE.matches && kept.getItem(LIST_STANDS) !== "no") list.setAttribute("open", ""); // takes no focus
  told(list);
}

function open(list) {
  remember("yes");
  if (WIDE.matches) list.setAttribute("open", "");
  else list.showModal();
  told(list);
}

function close(list) {
  remember("no");
  list.close();
}

function remember(stands) {
  if (WIDE.matches) keep(LIST_STANDS, stands);
}

export function closeList() {
  if ($("conversations").matches(":modal")) $("conversations").close();
}

function told(list) {
  $("show-conversations").setAttribute("aria-expanded", String(list.open));
}
