// A record: its text beside its values, with links between them.

const NOTES = {
  missing: "The text of this record could not be read from the run's input: only its quotes are shown, with dots between.",
  changed: "The text of this record has changed since the run: only its quotes are shown, with dots between.",
};

/** The view of one record. */
class RecordView {
  constructor(root, meanings) {
    this.root = root;
    this.meanings = meanings;
    const find = (selector) => root.querySelector(selector);
    this.text = find(".text-pane");
    this.values = find(".values-pane");
    this.said = find(".chosen");
    this.panes = find(".panes");
    this.record = null;
    this.path = "";
    for (const pane of [this.text, this.values]) {
      pane.addEventListener("click", (event) => this.follow(event, pane));
      pane.addEventListener("mouseover", (event) => this.light(event.target.closest("[data-spans]"), pane));
      pane.addEventListener("mouseleave", () => this.light(null, pane));
      pane.addEventListener("focusin", (event) => this.light(event.target.closest("[data-spans]"), pane));
    }
    this.text.addEventListener("keydown", (event) => this.moveInText(event));
    this.turn = switchPanes(root, ["text", "values"]);
    this.turn("text");
  }

  /** Show a record, with the searched words highlighted. */
  show(record, words) {
    this.record = record;
    this.path = "";
    this.owners = listQuoted(record);
    this.root.querySelector(".record-title").textContent = record.title || record.id;
    this.root.querySelector(".record-facts").replaceChildren(...listFacts(record).map((fact) => make("span", {}, fact)));
    this.root.querySelector(".record-notes").replaceChildren(...(NOTES[record.text] ? [make("p", { class: "notice" }, NOTES[record.text])] : []));
    this.text.replaceChildren(...showText(record, (piece, spans) => makeQuoted(record.id, piece, spans, spans.flatMap((span) => this.owners[span]))));
    this.values.replaceChildren(...showValues(record, this.meanings));
    this.text.scrollTop = this.values.scrollTop = 0;
    this.text.querySelector(".mark")?.setAttribute("tabindex", "0");
    markSearched(this.text, words);
    this.said.textContent = "";
  }

  /** Highlight the elements related to the one under the pointer or the focus. */
  light(element, pane) {
    for (const lit of this.panes.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!element) return;
    const spans = new Set(readSpans(element));
    const other = pane === this.text ? this.values : this.text;
    for (const one of [...other.querySelectorAll("[data-spans]")]) {
      if (readSpans(one).some((span) => spans.has(span))) one.classList.add("lit");
    }
    if (pane === this.values) element.classList.add("lit");
  }

  /** A click on a mark chooses the next of its values; a click on a value shows its evidence. */
  follow(event, pane) {
    const element = event.target.closest("a[data-spans]");
    if (!element || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const isKey = event.detail === 0;
    const isText = pane === this.text;
    const paths = isText ? [...new Set(readSpans(element).flatMap((span) => this.owners[span].map((one) => one.path)))] : [element.dataset.path];
    const path = paths[(paths.indexOf(this.path) + 1) % paths.length];
    if (innerWidth <= 900) this.turn(isText ? "values" : "text");
    history.pushState(null, "", writeRecord(this.record.id, path));
    this.choose(path, { from: isText ? "text" : "values", element });
    if (isKey) (isText ? this.find(path) : this.text.querySelector(".mark.chosen"))?.focus({ preventScroll: true });
  }

  /** The element of a path: a value, a card, or the reason why it is empty; for a list, its first member. */
  find(path) {
    const own = (start) => this.values.querySelector(`[data-path^="${CSS.escape(start)}"]`);
    return this.values.querySelector(`a[data-path="${CSS.escape(path)}"], [data-path="${CSS.escape(path)}"]`) || own(`${path}[`) || own(`${path}.`);
  }

  /** Choose a value by its path: mark it and its evidence, and scroll to both. False if there is none. */
  choose(path, { from = "address", element = null } = {}) {
    for (const one of this.panes.querySelectorAll(".chosen, .chosen-card")) one.classList.remove("chosen", "chosen-card");
    this.path = path;
    const found = path ? this.find(path) : null;
    if (!found) {
      this.said.textContent = path ? `There is no ${path} in this record.` : "";
      return path === "";
    }
    const details = found.closest("details");
    if (details) details.open = true;
    found.classList.add(found.matches(".card") ? "chosen-card" : "chosen");
    const values = found.matches(".card") ? [...found.querySelectorAll("[data-spans]")] : [found];
    const spans = new Set(values.flatMap(readSpans));
    const marks = [...this.text.querySelectorAll(".mark")].filter((mark) => readSpans(mark).some((span) => spans.has(span)));
    for (const mark of marks) mark.classList.add("chosen");
    if (from !== "text") bringIntoSight(marks[0], this.text);
    if (from !== "values") bringIntoSight(found, this.values);
    if (marks.length) this.setTabStop(marks[0]);
    const quote = marks.map((mark) => mark.textContent).join("");
    const place = marks[0]?.closest("[data-section]").dataset.section;
    this.said.textContent = marks.length ? `${path}: “${quote}” in ${place}` : `${path}: without a quote`;
    return true;
  }

  /** The next or the previous value; the first if none is chosen. */
  step(direction) {
    const all = [...this.values.querySelectorAll("a.value")];
    const now = all.findIndex((one) => one.dataset.path === this.path || one === document.activeElement);
    const next = all[now < 0 ? (direction > 0 ? 0 : all.length - 1) : now + direction];
    if (!next) return;
    history.replaceState(null, "", writeRecord(this.record.id, next.dataset.path));
    this.choose(next.dataset.path);
    if (innerWidth > 900) next.focus({ preventScroll: true });
  }

  moveInText(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const marks = [...this.text.querySelectorAll(".mark")];
    const next = marks[marks.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    this.setTabStop(next);
    next.focus({ preventScroll: true });
    bringIntoSight(next, this.text);
  }

  setTabStop(mark) {
    this.text.querySelector('.mark[tabindex="0"]')?.setAttribute("tabindex", "-1");
    mark.setAttribute("tabindex", "0");
  }
}

function readSpans(element) {
  return element.dataset.spans ? element.dataset.spans.split(" ").map(Number) : [];
}

/** What is quoted where: for each span the paths of values and findings, with task and label. */
function listQuoted(record) {
  const owners = listOwners(record).map((over) => over.map(({ item, value: { path, label, said } }) => {
    return { path, task: nameTask(item.of ?? item.path), label: `${label}: ${said}` };
  }));
  record.findings.forEach((finding, number) => {
    finding.quotes.forEach(([, , span], place) => {
      if (span !== null) owners[span].push({ path: nameCitation(number, place), task: "findings", label: finding.message });
    });
  });
  return owners;
}

/** A quoted piece: a link to the first of its values. */
function makeQuoted(id, words, spans, owners) {
  const isFinding = owners.some((one) => one.task === "findings");
  const labels = owners.slice(0, 6).map((one) => one.label.slice(0, 120)).join("\n");
  return make(
    "a",
    {
      class: `mark ${isFinding ? "findings" : owners[0].task} deep-${Math.min(3, spans.length)}`,
      href: writeRecord(id, owners[0].path),
      tabindex: "-1",
      title: owners.length > 6 ? `${labels}\nand ${owners.length - 6} more` : labels,
      "data-spans": spans.join(" "),
    },
    words,
  );
}

function listFacts(record) {
  const facts = [record.id, record.source].filter(Boolean);
  if (record.title === "") facts.shift();
  if (record.coverage) {
    const [characters, claimed, boilerplate] = record.coverage;
    const said = characters - boilerplate;
    if (said > 0) facts.push(`${Math.round((100 * claimed) / said)} % of the text is quoted`);
  }
  const { calls, prompt_tokens = 0, cached_tokens, output_tokens = 0 } = record.usage;
  const cached = cached_tokens ? ` (${cached_tokens.toLocaleString("en")} cached)` : "";
  if (calls) facts.push(`${prompt_tokens.toLocaleString("en")} prompt${cached} and ${output_tokens.toLocaleString("en")} output tokens`);
  return facts;
}
