// Sends a text or a file to this service, and shows what it extracts in the viewer.

const MEANINGS = JSON.parse(document.getElementById("meanings").textContent);

/** Say what is wrong and what to do, as the service's problem says it. Who pastes a text does not know of a body. */
function tellProblem({ type = "", title, detail, remedy, place }) {
  const what = type.endsWith("unreadable") ? "This cannot be read" : title;
  const problem = place ? `${place}: ${detail}` : detail;
  return remedy ? `${what}: ${problem}; ${remedy}` : `${what}: ${problem}`;
}

/** The name of a file, in letters that the service allows; undefined if it has none of them. */
function nameFile(file) {
  const firstSigns = /^[^A-Za-z0-9]+/;
  const allowed = file.name.replace(/[^A-Za-z0-9._-]+/g, "_").replace(firstSigns, "");
  // The end of a long name, which has the suffix; it may begin with a sign again.
  const name = allowed.slice(-100).replace(firstSigns, "");
  return name || undefined;
}

/** What the form sends, and its type: a file, a text, or in JSON a text of which the reader says what it is. */
function makeBody({ file, text, section }) {
  if (file.files.length) return [file.files[0], "application/octet-stream"];
  if (section.value) return [JSON.stringify({ text: text.value, section: section.value }), "application/json"];
  return [text.value, "text/plain"];
}

/** Extract the text or the file of the form. Throws an error with words for the reader. */
async function extractText(form, signal) {
  const query = new URLSearchParams();
  for (const name of ["tasks", "effort"]) {
    if (form[name]?.value) query.append(name, form[name].value);
  }
  const [file] = form.file.files;
  const fileName = file && nameFile(file);
  if (fileName) query.append("name", fileName);
  const [body, type] = makeBody(form);
  const headers = { Authorization: `Bearer ${form.key.value.trim()}`, "Content-Type": type };
  const request = { method: "POST", headers, body, signal };
  let answer;
  try {
    answer = await fetch(`playground?${query}`, request);
  } catch (error) {
    if (signal.aborted) throw new Error("Stopped.");
    throw new Error(`The service does not answer (${error.message}); check that it still runs.`);
  }
  if (answer.ok) return answer.json();
  if (answer.status === 401) form.key.focus();
  const problem = await answer.json().catch(() => ({ title: "The service gave no answer", detail: `status ${answer.status}` }));
  throw new Error(tellProblem(problem));
}

const form = document.getElementById("try");
const root = document.getElementById("record");
const status = form.querySelector(".status");
const send = form.querySelector("button:not([type])");
const viewer = new Viewer(root, {
  listOwners: listQuoted,
  showValues: (record) => showValues(record, MEANINGS),
  listFacts: (record) => listFacts({ ...record, source: "" }),  // it has no file of the reader's
  listNotes: () => [],
});
const TOLD = {
  file: "The text of your file; of a PDF in reading order, with headers and footers at its end. At its right edge stands what each part was read as.",
  given: "Your text, character by character. At its right edge stands what each part was read as.",
  fields: "The texts of your record, field by field. What you sent stays above as it is.",
};
let stopping = new AbortController();

/** Show an extraction in the viewer, and offer it as a file of JSON. */
function showResult({ shown, extraction }) {
  history.replaceState(null, "", location.pathname);
  const isFile = form.file.files.length > 0;
  shown.title ||= isFile ? "" : "Text without a title";
  viewer.show(shown, []);
  const isGiven = shown.sections.some(({ parts }) => parts);
  const given = isFile ? TOLD.file : TOLD.given;
  root.querySelector(".told").textContent = isGiven ? given : TOLD.fields;
  const link = root.querySelector(".download");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([JSON.stringify(extraction, null, 2)], { type: "application/json" }));
  link.download = `${extraction.record_id}.json`;
  root.hidden = false;
  root.querySelector(".record-title").focus({ preventScroll: true });
  root.scrollIntoView();
}

/** Show whether the service works; the text stays while it does. */
function turn({ working, said = "", isWrong = false }) {
  send.disabled = working;
  form.stop.hidden = !working;
  status.textContent = said;
  status.classList.toggle("wrong", isWrong);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (send.disabled) return;
  stopping = new AbortController();
  root.hidden = true;  // what is shown must not be that of another text
  turn({ working: true, said: "Extracting …" });
  try {
    showResult(await extractText(form, stopping.signal));
    turn({ working: false });
  } catch (error) {
    turn({ working: false, said: error.message, isWrong: true });
  }
});
form.stop.addEventListener("click", () => stopping.abort());

/** With a file, the text is not asked for. */
function turnToFile() {
  const isChosen = form.file.files.length > 0;
  form.text.required = !isChosen;
  form.text.disabled = isChosen;
  form.section.disabled = isChosen;
}

form.file.addEventListener("change", turnToFile);
form.clear.addEventListener("click", () => {
  form.text.value = "";
  form.file.value = "";
  root.hidden = true;
  turn({ working: false });
  turnToFile();
  form.text.focus();
});
form.text.addEventListener("input", () => {
  const isOfOtherText = !root.hidden && !send.disabled;
  if (isOfOtherText) turn({ working: false, said: "The text has changed since it was extracted." });
});
form.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
addEventListener("popstate", () => {
  if (!root.hidden) viewer.choose(readAddress(location.hash, []).path ?? "");
});
document.documentElement.dataset.ready = "true";
