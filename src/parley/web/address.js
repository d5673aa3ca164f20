// What the address carries behind its "#": a key (the QR code of `parley serve --tls`), an invitation. Servers and proxies never see it, and it
// does not stay there.
const read = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const carries = (found) => Boolean(found.key || found.room);

export const given = read();
if (carries(given)) history.replaceState(history.state, "", location.pathname + location.search);
// Another such address in the same tab loads nothing by itself.
addEventListener("hashchange", () => carries(read()) && location.reload());
