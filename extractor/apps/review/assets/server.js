// Requests to the review's server.

/** A refused request with its status, which is 0 if the server did not respond. */
class Refused extends Error {
  constructor(status, answer) {
    super(answer.message);
    Object.assign(this, { status, mayFinish: answer.may_finish === true });
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(0, { message: "The review is not responding. Start it again; unsaved changes stay in this page until you close it." });
  }
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  const answer = isJson ? await response.json() : { message: await response.text() };
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

function get(what, query = {}) {
  return ask(`/api/${what}?${new URLSearchParams(query)}`);
}

/** Act on a record, and return the changed record. The request continues if the page is closed. */
function post(what, id, body = {}) {
  return ask(`/api/${what}?${new URLSearchParams({ id })}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    keepalive: true,
  });
}
