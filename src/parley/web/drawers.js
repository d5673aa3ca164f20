// The drawers at the sides. On a wide window the list of conversations stands beside the page instead.
import { keep, kept } from "./store.js";

const $ = (id) => document.getElementById(id);
const WIDE = matchMedia("(min-width: 64rem)");
const LIST_STANDS = "parley-list-stands";

export function setUpDrawers() {
  for (const drawer of document.querySelectorAll("dialog.drawer")) {
    drawer.querySelector(".close").addEventListener("click", () => close(drawer));
    drawer.addEventListener("click", (event) => event.target === drawer && drawer.matches(":modal") && drawer.close());
  }
  for (const name of ["settings", "panels"]) $(`show-${name}`).addEventListener("click", () => $(name).showModal());
  const list = $("conversations");
  $("show-conversations").addEventListener("click", () => (list.open ? close(list) : open(list)));
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
  if (WIDE.matches) {
    keep(LIST_STANDS, "yes");
    list.setAttribute("open", "");
  } else list.showModal();
  told(list);
}

function close(drawer) {
  if (drawer.id === "conversations" && WIDE.matches) keep(LIST_STANDS, "no");
  drawer.close();
}

export function closeList() {
  if ($("conversations").matches(":modal")) $("conversations").close();
}

function told(list) {
  $("show-conversations").setAttribute("aria-expanded", String(list.open));
}
