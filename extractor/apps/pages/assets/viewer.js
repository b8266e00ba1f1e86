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
    // On a phone only one pane is shown; ``turn`` shows another.
    this.turn = switchPanes(root);
  }

  /** Show a record, with the searched words highlighted. */
  show(record, words) {
    const { root, page } = this;
    Object.assign(this, { record, path: "", owners: page.listOwners(record) });
    root.querySelector(".record-title").textContent = record.title || record.id;
    root.querySelector(".record-facts").replaceChildren(...page.listFacts(record).map((fact) => make("span", {}, fact)));
    root.querySelector(".record-notes").replaceChildren(...page.listNotes(record).map((note) => make("p", { class: "notice" }, note)));
    const makeMark = (words, spans) => makeQuoted(record.id, words, spans, spans.flatMap((span) => this.owners[span]));
    const sections = showText(record, makeMark);
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

  /** The marks of the text that quote one of these spans, a set of numbers. */
  listMarks(spans) {
    const marks = this.texts.flatMap((pane) => [...pane.querySelectorAll(".mark")]);
    return marks.filter((mark) => hasSpan(mark, spans));
  }

  /** Highlight what is related to the element under the pointer or the focus, in the other panes. */
  light(element, pane) {
    for (const lit of this.panes.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!element) return;
    const spans = new Set(readSpans(element));
    for (const other of this.panes.querySelectorAll("[data-spans]")) {
      if (!pane.contains(other) && hasSpan(other, spans)) other.classList.add("lit");
    }
    if (pane === this.values) element.classList.add("lit");
  }

  /** A click on a mark chooses the next of its values; a click on a value shows its evidence. */
  follow(event, pane) {
    const element = event.target.closest("a[data-spans]");
    const opensElsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!element || opensElsewhere) return;
    event.preventDefault();
    const isText = pane !== this.values;
    const path = isText ? this.findNextPath(element) : element.dataset.path;
    history.pushState(null, "", writeRecord(this.record.id, path));
    this.choose(path, pane);
    const isByKey = event.detail === 0;  // Enter on a link is a click without a pointer
    if (!isByKey) return;
    const counterpart = isText ? this.find(path) : this.panes.querySelector(".mark.chosen");
    counterpart?.focus({ preventScroll: true });
  }

  /** The path that a mark chooses: of those that quote its words, the one after the chosen one. */
  findNextPath(mark) {
    const owners = readSpans(mark).flatMap((span) => this.owners[span]);
    const paths = [...new Set(owners.map(({ path }) => path))];
    return paths[(paths.indexOf(this.path) + 1) % paths.length];
  }

  /** The element of a path: a value, a card, or the reason why it is empty; for a list, its first member. */
  find(path) {
    const exact = `[data-path="${CSS.escape(path)}"]`;
    const startingWith = (start) => this.values.querySelector(`[data-path^="${CSS.escape(start)}"]`);
    return this.values.querySelector(`a${exact}, ${exact}`) || startingWith(`${path}[`) || startingWith(`${path}.`);
  }

  /** Choose a value by its path: mark it and its evidence, and scroll to both, except in the pane ``from``. False if there is none. */
  choose(path, from = null) {
    for (const chosen of this.panes.querySelectorAll(".chosen, .chosen-card")) chosen.classList.remove("chosen", "chosen-card");
    this.path = path;
    if (!path) {
      this.said.textContent = "";
      return true;
    }
    const element = this.find(path);
    if (!element) {
      this.said.textContent = `There is no ${path} in this record.`;
      return false;
    }
    const details = element.closest("details");
    if (details) details.open = true;
    const isCard = element.matches(".card");
    element.classList.add(isCard ? "chosen-card" : "chosen");
    const values = isCard ? [...element.querySelectorAll("[data-spans]")] : [element];
    const spans = values.flatMap(readSpans);
    const marks = this.listMarks(new Set(spans));
    if (from && innerWidth <= NARROW) {
      const showsText = from === this.values && marks.length > 0;
      this.turn(nameSide(showsText ? marks[0] : this.values));
    }
    for (const mark of marks) mark.classList.add("chosen");
    for (const pane of this.texts) {
      const first = marks.find((mark) => pane.contains(mark));
      if (pane !== from) bringIntoSight(first, pane);
      if (first) this.setTabStop(first, pane);
    }
    if (from !== this.values) bringIntoSight(element, this.values);
    this.said.textContent = this.describe(path, marks, spans);
    return true;
  }

  /** What is said to a screen reader of a chosen value. */
  describe(path, marks, spans) {
    if (marks.length === 0) return `${path}: without a quote`;
    const quote = marks.map((mark) => mark.textContent).join("");
    return `${path}: “${quote}” in ${nameOrigin(this.record, spans[0])}`;
  }

  /** Choose the next value, or the previous one; the first or the last if none is chosen. */
  step(direction) {
    const values = [...this.values.querySelectorAll("a.value")];
    const now = values.findIndex((value) => value.dataset.path === this.path || value === document.activeElement);
    let place = now + direction;
    if (now < 0) place = direction > 0 ? 0 : values.length - 1;
    const next = values[place];
    if (!next) return;
    history.replaceState(null, "", writeRecord(this.record.id, next.dataset.path));
    this.choose(next.dataset.path);
    if (innerWidth > NARROW) next.focus({ preventScroll: true });
  }

  /** Move the focus to the next mark of a text by the arrow keys, or to the previous one. */
  moveInText(event, pane) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const isShortcutOfBrowser = event.altKey || event.ctrlKey || event.metaKey;
    if (!step || isShortcutOfBrowser) return;
    const marks = [...pane.querySelectorAll(".mark")];
    const next = marks[marks.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    this.setTabStop(next, pane);
    next.focus({ preventScroll: true });
    bringIntoSight(next, pane);
  }

  /** Let Tab reach this mark: only one of a text, or a reader would tab through all. */
  setTabStop(mark, pane) {
    pane.querySelector('.mark[tabindex="0"]')?.setAttribute("tabindex", "-1");
    mark.setAttribute("tabindex", "0");
  }
}

/** The numbers of the spans that an element quotes. */
function readSpans(element) {
  const { spans } = element.dataset;
  return spans ? spans.split(" ").map(Number) : [];
}

/** Whether an element quotes one of these spans, a set of numbers. */
function hasSpan(element, spans) {
  return readSpans(element).some((span) => spans.has(span));
}

/** The name of the section whose characters a span counts, which may stand in a text as it was given. */
function nameOrigin(record, span) {
  const [section, , , , , origin] = record.spans[span];
  return origin ?? record.sections[section].name;
}

/** The name of the pane in which an element is, as the buttons for a phone name it. */
function nameSide(element) {
  return element.closest("[data-pane]").dataset.pane;
}

/** A quoted piece: a link to the first place that quotes it. Its title names the first six. */
function makeQuoted(id, words, spans, owners) {
  const labels = owners.slice(0, 6).map(({ label }) => label.slice(0, 120));
  if (owners.length > 6) labels.push(`and ${owners.length - 6} more`);
  const isOfFinding = owners.some(({ kind }) => kind === "findings");
  const attributes = {
    class: `mark ${isOfFinding ? "findings" : owners[0].kind} deep-${Math.min(3, spans.length)}`,
    href: writeRecord(id, owners[0].path),
    tabindex: "-1",
    title: labels.join("\n"),
    "data-spans": spans.join(" "),
  };
  return make("a", attributes, words);
}
