// What a reload must not lose: the invitation one came by, and the way back into the conversation.
import { tab } from "./store.js";

const INVITATION = "parley-invitation";
const WAY_BACK = "parley-way-back";
const GOOD_FOR_MS = 55_000; // the server keeps it for a minute

export class Keeping {
  // `given`: what the address carries.
  constructor(given) {
    if (given.room) {
      const { room, name = "", listen = "" } = given;
      tab.setItem(INVITATION, JSON.stringify({ room, name, listen: Boolean(listen) }));
      this.forget();
    }
    this.invitation = read(INVITATION);
  }

  keep(way) {
    this.way = way;
  }

  // The page is gone for a moment, or for good.
  leave(more) {
    if (this.way) tab.setItem(WAY_BACK, JSON.stringify({ ...this.way, ...more, at: Date.now() }));
  }

  forget() {
    this.way = null;
    tab.removeItem(WAY_BACK);
  }

  comeBack(go) {
    const found = read(WAY_BACK);
    tab.removeItem(WAY_BACK);
    if (found && Date.now() - found.at < GOOD_FOR_MS) go(found);
  }
}

function read(name) {
  try {
    return JSON.parse(tab.getItem(name));
  } catch {
    return null;
  }
}
