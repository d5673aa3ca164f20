// The drawers at the sides.
const $ = (id) => document.getElementById(id);

// `names`: of those that a button "show-NAME" opens.
export function setUpDrawers(names) {
  for (const drawer of document.querySelectorAll("dialog.drawer")) {
    drawer.querySelector(".close").addEventListener("click", () => drawer.close());
    drawer.addEventListener("click", (event) => event.target === drawer && drawer.matches(":modal") && drawer.close());
  }
  for (const name of names) $(`show-${name}`).addEventListener("click", () => $(name).showModal());
}
