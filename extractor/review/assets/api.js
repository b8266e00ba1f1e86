// Requests to the review's server. A refusal is an error with the status and, in a conflict, the other's item.

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.message || "The review does not answer.");
    this.status = status;
    this.theirs = answer.theirs;
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
export function read(what, query = {}) {
  return ask(`/api/${what}?${new URLSearchParams(query)}`);
}

/** Act on a record, and return the updated record. */
export function act(what, id, body = {}) {
  return ask(`/api/${what}?id=${encodeURIComponent(id)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
