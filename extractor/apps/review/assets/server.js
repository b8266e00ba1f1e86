// Requests to the review's server.

/** A refusal, with the status and, in a conflict, the other's item and what differs in words. */
class Refused extends Error {
  constructor(status, answer) {
    super(answer.message || "The review does not answer.");
    Object.assign(this, { status, theirs: answer.theirs, rows: answer.rows, mayFinish: answer.may_finish === true });
  }
}

/** Send a request, and return the answer. Throws ``Refused``, with status 0 if there is no answer. */
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
    keepalive: true,  // also when the page is being closed
  });
}

/** The same request, based on the other reviewer's version. */
function renew(body, theirs) {
  const { version } = theirs;
  if (body.kind === "set") return { ...body, version, old: theirs.value[body.path] ?? null };
  if (body.kind === "read") return { ...body, version };
  if (!body.items) return body;
  const items = body.items.map((decided) => (decided.item === theirs.path ? { ...decided, version } : decided));
  return { ...body, items };
}
