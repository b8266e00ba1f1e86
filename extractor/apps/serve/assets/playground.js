// Sends a text or a file to this service, and shows the extraction in the viewer.

const MEANINGS = JSON.parse(document.getElementById("meanings").textContent);
const NOTE_OF_FILE = "The text of your file. PDF text is shown in reading order, with headers and footers at the end.";
const NOTE_OF_TEXT = "Your text, character by character. Labels in the margin show how each part was interpreted.";
const NOTE_OF_RECORD = "The text of your record, field by field.";

const form = document.getElementById("try");
const root = document.getElementById("record");
const status = form.querySelector(".status");
const send = form.querySelector("button");
const viewer = new Viewer(root, {
  listOwners: listQuoted,
  showValues: (record) => showValues(record, MEANINGS),
  listFacts: (record) => listFacts({ ...record, source: "" }),  // there is no source file to show
  listNotes: () => [],
});

/** The body to send: a file, a text, or JSON with a text and its section. */
function makeBody({ file, text, section }) {
  if (file.files.length) return [file.files[0], "application/octet-stream"];
  if (section.value) return [JSON.stringify({ text: text.value, section: section.value }), "application/json"];
  return [text.value, "text/plain"];
}

/** The request's parameters. Characters that the service does not allow in a file name are replaced. */
function makeQuery({ tasks, effort, file }) {
  const query = new URLSearchParams();
  if (tasks.value) query.append("tasks", tasks.value);
  if (effort?.value) query.append("effort", effort.value);
  const name = file.files[0]?.name.replace(/[^A-Za-z0-9._-]+/g, "_").slice(-100).replace(/^[^A-Za-z0-9]+/, "");
  if (name) query.append("name", name);
  return query;
}

/** Extract the text or file in the form. Throws an error with a message for the reader. */
async function extractText() {
  const [body, type] = makeBody(form);
  const headers = { Authorization: `Bearer ${form.key.value.trim()}`, "Content-Type": type };
  const answer = await fetch(`playground?${makeQuery(form)}`, { method: "POST", headers, body });
  if (answer.ok) return answer.json();
  const { title, detail, remedy, place } = await answer.json();
  throw new Error([`${title}: ${place ? `${place}: ` : ""}${detail}`, remedy].filter(Boolean).join("; "));
}

/** Show an extraction in the viewer, and offer it for download as JSON. */
function showResult({ shown, extraction }) {
  history.replaceState(null, "", location.pathname);
  const isFile = form.file.files.length > 0;
  shown.title ||= isFile ? "" : "Text without a title";
  viewer.show(shown, []);
  const note = isFile ? NOTE_OF_FILE : NOTE_OF_TEXT;
  root.querySelector(".told").textContent = shown.sections.some(({ parts }) => parts) ? note : NOTE_OF_RECORD;
  const link = root.querySelector(".download");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([JSON.stringify(extraction, null, 2)], { type: "application/json" }));
  link.download = `${extraction.record_id}.json`;
  root.hidden = false;
  root.querySelector(".record-title").focus({ preventScroll: true });
  root.scrollIntoView();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  send.disabled = true;
  root.hidden = true;  // never show the result of an earlier text
  status.classList.remove("wrong");
  status.textContent = "Extracting …";
  try {
    showResult(await extractText());
    status.textContent = "";
  } catch (error) {
    status.textContent = error.message;
    status.classList.add("wrong");
  }
  send.disabled = false;
});
form.addEventListener("input", () => {
  form.text.disabled = form.section.disabled = form.file.files.length > 0;
  root.hidden = true;
});
addEventListener("popstate", () => {
  if (!root.hidden) viewer.choose(readAddress(location.hash, []).path ?? "");
});
document.documentElement.dataset.ready = "true";
