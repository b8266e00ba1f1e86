// The forms of the page: each sends one request to this service, with the key above, and shows the answer.

/** Make the request of a form. What is left empty is not sent. */
function makeRequest(form, key) {
  const { method, path, kind } = form.dataset;
  const query = new URLSearchParams();
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  let address = path.slice(1);  // relative to this page
  for (const field of form.querySelectorAll("[data-in]")) {
    const value = field.value.trim();
    const where = field.dataset.in;
    if (where === "path") address = address.replace(`{${field.name}}`, encodeURIComponent(value));
    else if (value && where === "query") query.append(field.name, value);
    else if (value) headers[field.name] = value;
  }
  if (query.size) address += `?${query}`;
  if (kind) headers["Content-Type"] = kind;
  return [address, { method, headers, body: form.elements.body?.value }];
}

/** JSON with indents; any other text as it is. */
function layOut(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Send the request of a form. Events are shown as they come; of a table only its size. */
async function send(form, status, shown) {
  shown.textContent = "";
  status.textContent = "waiting for the answer";
  try {
    const answer = await fetch(...makeRequest(form, document.getElementById("key").value.trim()));
    const kind = answer.headers.get("content-type") ?? "";
    status.textContent = `${answer.status} ${kind}`;
    if (kind.startsWith("application/vnd.")) {
      status.textContent += `, ${count((await answer.arrayBuffer()).byteLength, "byte")}`;
      return;
    }
    let text = "";
    if (answer.body) {
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let part = await reader.read();
      while (!part.done) {
        text += part.value;
        shown.textContent = text;
        part = await reader.read();
      }
    }
    shown.textContent = layOut(text);
  } catch (error) {
    status.textContent += `: ${error.message}`;
  }
}

document.getElementById("key").form.addEventListener("submit", (event) => event.preventDefault());
for (const form of document.querySelectorAll("form[data-path]")) {
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  const shown = form.querySelector("pre");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await send(form, status, shown);
    button.disabled = false;
  });
}
