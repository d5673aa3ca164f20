// A picture of icons.svg; words for it are its button's.
const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("aria-hidden", "true");
  picture.append(document.createElementNS(SVG, "use"));
  setIcon(picture.firstChild, name);
  return picture;
}

export function setIcon(use, name) {
  use.setAttribute("href", `web/icons.svg#${name}`);
}
