// The language of the page itself, chosen among those there are, each by its own name.
import { $, choices } from "./dom.js";
import { choose, language, languageName, languages } from "./strings.js";

export function setUpLanguages() {
  const menu = $("set-page-language");
  choices(menu, languages.map((code) => [code, languageName(code, { own: true })]));
  for (const option of menu.options) option.lang = option.value;
  menu.value = language;
  menu.addEventListener("change", async () => {
    await choose(menu.value);
    menu.value = language;
  });
}
