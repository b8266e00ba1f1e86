// Requests to the review's server, one after the other; refusals are reported, conflicts shown.

/** A refusal, with the status and, in a conflict, the other's item and what differs in words. */
class Refused extends Error {
  constructor(status, answer) {
    super(answer.message || "The review does not answer.");
    Object.assign(this, { status, theirs: answer.theirs, rows: answer.rows });
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(0, { message: "The review does not answer. Was it stopped? Nothing that was saved is lost." });
  }
  const isJson = (response.headers.get("content-type") || "").startsWith("application/json");
  const answer = isJson ? await response.json() : { message: await response.text() };
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

/** Send a GET request. */
function read(what, query = {}) {
  return ask(`/api/${what}?${new URLSearchParams(query)}`);
}

/** Act on a record, and return the updated record. */
function act(what, id, body = {}) {
  return ask(`/api/${what}?id=${encodeURIComponent(id)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

class Actions {
  constructor(view) {
    this.view = view;
    this.done = Promise.resolve();
  }

  /** Send an action after those before it; return whether it succeeded. */
  send(what, build = () => ({})) {
    this.done = this.settled().then(() => this.sendNow(what, build()));
    return this.done;
  }

  /** Resolves when all actions so far are done or have failed. */
  settled() {
    return this.done.catch(() => {});
  }

  async sendNow(what, body) {
    const { view } = this;
    const id = view.record.record;
    try {
      view.take(await act(what, id, body));
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status !== 409) say(error.message);
      else if ((await showConflict(error)) === "mine") return this.sendNow(what, renew(body, error.theirs));
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
  return { ...body, items: body.items.map((one) => (one.item === theirs.path ? { ...one, version: theirs.version } : one)) };
}
