// Actions on a record, in sequence; refusals are reported, conflicts shown.

import { act, read, Refused } from "./api.js";
import { showConflict } from "./dialogs.js";

export class Actions {
  constructor(view) {
    this.view = view;
    this.done = Promise.resolve();
  }

  /** Send an action after those before it; return whether it succeeded. ``describe`` lists its values, for a conflict. */
  send(what, build = () => ({}), describe = () => []) {
    this.done = this.settled().then(() => this.sendNow(what, build(), describe));
    return this.done;
  }

  /** Resolves when all actions so far are done or have failed. */
  settled() {
    return this.done.catch(() => {});
  }

  async sendNow(what, body, describe) {
    const { view } = this;
    const id = view.record.record;
    try {
      view.take(await act(what, id, body));
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status !== 409) view.say(error.message);
      else if ((await showConflict(error, describe())) === "mine") return this.sendNow(what, renew(body, error.theirs), describe);
      if (error.status !== 0) view.take(await read("record", { id }));
      if (what === "finish") view.goToTrouble();
      return false;
    }
  }
}

/** The same request, based on the other reviewer's version. */
function renew(body, theirs) {
  if (body.kind === "set") return { ...body, version: theirs.version, old: theirs.value[body.path] ?? null };
  if (body.kind === "read") return { ...body, version: theirs.version };
  if (!body.items) return body;
  return { ...body, items: body.items.map((one) => (one.item === theirs.id ? { ...one, version: theirs.version } : one)) };
}
