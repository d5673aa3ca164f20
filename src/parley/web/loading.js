// A network that changes while the page loads (a laptop that joins one, a tunnel that opens) cuts files off, and a browser never asks
// again for a module that did not come: then the whole page is loaded once more. Not a module, so that it stands before all others.
const AFTER_MS = [200, 1000, 2000]; // then the page says that something is missing
const before = history.state?.loads ?? 0; // outlives the loading, in every browser

addEventListener("error", ({ target }) => {
  if (!(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement)) return; // thrown by a script: it would throw again
  if (before >= AFTER_MS.length || history.state?.loads > before) return;
  history.replaceState({ loads: before + 1 }, "");
  setTimeout(() => location.reload(), AFTER_MS[before]);
}, { capture: true }); // such errors do not bubble
addEventListener("load", () => {
  if (before && history.state?.loads === before) history.replaceState(null, ""); // no other try is on its way: the next time has all of them
});
