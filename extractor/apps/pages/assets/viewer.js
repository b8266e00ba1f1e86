// The viewer of one record: its text, or the texts of two versions, beside what is said of it, with links between them.

const NARROW = 900;

/**
 * Shows a record in panes of text and a pane of values. ``page`` has functions of a record: ``listOwners`` (for each span the
 * places that quote it, each with its path, class and label), ``showValues``, ``listFacts`` and ``listNotes``.
 * A section of a version goes into the pane of its ``side``.
 */
class Viewer {
  constructor(root, page) {
    const find = (selector) => root.querySelector(selector);
    Object.assign(this, { root, page, record: null, path: "" });
    Object.assign(this, { panes: find(".panes"), values: find(".values-pane"), said: find(".chosen") });
    this.texts = [...root.querySelectorAll(".text-pane")];
    for (const pane of [...this.texts, this.values]) {
      pane.addEventListener("click", (event) => this.follow(event, pane));
      pane.addEventListener("mouseover", (event) => this.light(event.target.closest("[data-spans]"), pane));
      pane.addEventListener("mouseleave", () => this.light(null, pane));
      pane.addEventListener("focusin", (event) => this.light(event.target.closest("[data-spans]"), pane));
    }
    for (const pane of this.texts) pane.addEventListener("keydown", (event) => this.moveInText(event, pane));
    this.turn = switchPanes(root);
  }

  /** Show a record, with the searched words highlighted. */
  show(record, words) {
    const { root, page } = this;
    Object.assign(this, { record, path: "", owners: page.listOwners(record) });
    root.querySelector(".record-title").textContent = record.title || record.id;
    root.querySelector(".record-facts").replaceChildren(...page.listFacts(record).map((fact) => make("span", {}, fact)));
    root.querySelector(".record-notes").replaceChildren(...page.listNotes(record).map((note) => make("p", { class: "notice" }, note)));
    const sections = showText(record, (piece, spans) => makeQuoted(record.id, piece, spans, spans.flatMap((span) => this.owners[span])));
    for (const pane of this.texts) {
      pane.replaceChildren(...sections.filter((_, number) => record.sections[number].side === pane.dataset.side));
      pane.querySelector(".mark")?.setAttribute("tabindex", "0");
      pane.scrollTop = 0;
    }
    this.values.replaceChildren(...page.showValues(record));
    this.values.scrollTop = 0;
    markSearched(this.panes, words);
    this.said.textContent = "";
  }

  listMarks(spans = null) {
    const marks = this.texts.flatMap((pane) => [...pane.querySelectorAll(".mark")]);
    return spans ? marks.filter((mark) => readSpans(mark).some((span) => spans.has(span))) : marks;
  }

  /** Highlight what is related to the element under the pointer or the focus, in the other panes. */
  light(element, pane) {
    for (const lit of this.panes.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!element) return;
    const spans = new Set(readSpans(element));
    for (const one of this.panes.querySelectorAll("[data-spans]")) {
      if (!pane.contains(one) && readSpans(one).some((span) => spans.has(span))) one.classList.add("lit");
    }
    if (pane === this.values) element.classList.add("lit");
  }

  /** A click on a mark chooses the next of its values; a click on a value shows its evidence. */
  follow(event, pane) {
    const element = event.target.closest("a[data-spans]");
    if (!element || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const isText = pane !== this.values;
    const paths = isText ? [...new Set(readSpans(element).flatMap((span) => this.owners[span].map((one) => one.path)))] : [element.dataset.path];
    const path = paths[(paths.indexOf(this.path) + 1) % paths.length];
    history.pushState(null, "", writeRecord(this.record.id, path));
    this.choose(path, isText ? pane : this.values);
    if (event.detail === 0) (isText ? this.find(path) : this.panes.querySelector(".mark.chosen"))?.focus({ preventScroll: true });
  }

  /** The element of a path: a value, a card, or the reason why it is empty; for a list, its first member. */
  find(path) {
    const own = (start) => this.values.querySelector(`[data-path^="${CSS.escape(start)}"]`);
    return this.values.querySelector(`a[data-path="${CSS.escape(path)}"], [data-path="${CSS.escape(path)}"]`) || own(`${path}[`) || own(`${path}.`);
  }

  /** Choose a value by its path: mark it and its evidence, and scroll to both, except in the pane ``from``. False if there is none. */
  choose(path, from = null) {
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
    const marks = this.listMarks(new Set(values.flatMap(readSpans)));
    if (from && innerWidth <= NARROW) this.turn(nameSide(from === this.values && marks.length ? marks[0] : this.values));
    for (const mark of marks) mark.classList.add("chosen");
    for (const pane of this.texts) {
      const first = marks.find((mark) => pane.contains(mark));
      if (pane !== from) bringIntoSight(first, pane);
      if (first) this.setTabStop(first, pane);
    }
    if (from !== this.values) bringIntoSight(found, this.values);
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
    if (innerWidth > NARROW) next.focus({ preventScroll: true });
  }

  moveInText(event, pane) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const marks = [...pane.querySelectorAll(".mark")];
    const next = marks[marks.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    this.setTabStop(next, pane);
    next.focus({ preventScroll: true });
    bringIntoSight(next, pane);
  }

  setTabStop(mark, pane) {
    pane.querySelector('.mark[tabindex="0"]')?.setAttribute("tabindex", "-1");
    mark.setAttribute("tabindex", "0");
  }
}

function readSpans(element) {
  return element.dataset.spans ? element.dataset.spans.split(" ").map(Number) : [];
}

/** The name of the pane in which an element is, as the buttons for a phone name it. */
function nameSide(element) {
  return element.closest("[data-pane]").dataset.pane;
}

/** A quoted piece: a link to the first place that quotes it. */
function makeQuoted(id, words, spans, owners) {
  const labels = owners.slice(0, 6).map((one) => one.label.slice(0, 120)).join("\n");
  const attributes = {
    class: `mark ${(owners.find(({ kind }) => kind === "findings") ?? owners[0]).kind} deep-${Math.min(3, spans.length)}`,
    href: writeRecord(id, owners[0].path),
    tabindex: "-1",
    title: owners.length > 6 ? `${labels}\nand ${owners.length - 6} more` : labels,
    "data-spans": spans.join(" "),
  };
  return make("a", attributes, words);
}
