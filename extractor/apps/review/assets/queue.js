// The queue: records with the most expected errors first.

const PROGRESS = {
  open: "not begun",
  begun: "begun",
  changed: "changed since it was finished",
  finished: "finished",
  broken: "gold is broken",
  without_text: "text missing",
};

/** The list of records. Its search stays while a record is open. */
class QueueView {
  constructor(main) {
    Object.assign(this, { main, records: [], last: null });
    this.page = document.getElementById("queue-page").content.firstElementChild;
    const find = (selector) => this.page.querySelector(selector);
    Object.assign(this, { search: find("#search"), box: find("#unfinished"), partial: find(".notice"), status: find(".status") });
    for (const input of [this.search, this.box]) input.addEventListener("input", () => this.narrow());
    this.search.addEventListener("keydown", (event) => event.key === "Enter" && this.openOnly());
    this.list = new List(find(".scroller"), makeRow, "No record is listed.");
  }

  /** Draw the queue, and put the focus on the record that the reviewer comes from. */
  async show(isWanted) {
    const { records, gold, reviewer, incomplete, annotators } = await read("queue");
    if (!isWanted()) return;
    this.records = records;
    this.main.replaceChildren(this.page);
    this.page.querySelector(".lead code").textContent = gold;
    this.page.querySelector(".lead b").textContent = reviewer;
    if (annotators) this.page.querySelector(".order").textContent = `Those with the most differences between ${annotators.join(" and ")} come first; what both say is accepted.`;
    this.partial.hidden = !incomplete;
    this.partial.textContent = `This run is not complete: ${incomplete}.`;
    this.narrow();
    const place = this.list.rows.findIndex(({ record }) => record === this.last);
    if (place >= 0) this.list.focus(place);
  }

  /** List the records with all searched words in their id, title or reasons. */
  narrow() {
    const words = splitWords(this.search.value);
    const onlyLeft = this.box.checked;
    const isLeft = ({ progress: { state } }) => state !== "finished" && state !== "without_text";
    const listed = this.records.filter((row) => {
      if (onlyLeft && !isLeft(row)) return false;
      return hasWords([row.record, row.title, ...row.reasons], words);
    });
    this.list.show(listed);
    const status = [tellFinished(this.records)];
    const isNarrowed = words.length > 0 || onlyLeft;
    if (isNarrowed && listed.length > 0) status.push(`${listed.length.toLocaleString("en")} shown here`);
    else if (words.length > 0) status.push("no record matches");
    else if (isNarrowed) status.push("nothing is left to do");
    this.status.textContent = status.join("; ");
  }

  /** Open the only record that is listed, or go to the first of several. */
  openOnly() {
    if (this.list.rows.length === 1) this.list.list.querySelector("a")?.click();
    else if (this.list.rows.length) this.list.focus(0);
  }

  /** Move the focus in the list. */
  step(by) {
    if (this.list.rows.length === 0) return;
    const isInside = this.list.box.contains(document.activeElement);
    this.list.focus(isInside ? this.list.cursor + by : 0);
  }
}

/** How many records of the queue are finished. */
function tellFinished(records) {
  const finished = records.filter(({ progress }) => progress.state === "finished").length;
  return `${finished.toLocaleString("en")} of ${records.length.toLocaleString("en")} finished`;
}

/** The line of a record: its name, the errors to expect in it, and how far it is decided. */
function makeRow(row) {
  const { state, decided, items, problem } = row.progress;
  const isOpenable = state !== "without_text";
  const name = make("span", { class: "row-name" },
    make("code", { class: "row-code" }, row.record), " ", make("span", { class: "row-title" }, row.title || row.record));
  const reasons = row.reasons.length ? `: ${row.reasons.join(", ")}` : "";
  const expected = [make("b", {}, row.expected.toFixed(1)), " errors expected", reasons];
  const note = make("span", { class: "row-note" }, row.differs ? row.reasons.join(", ") : expected);
  const share = items ? Math.round((100 * decided) / items) : 0;
  const progress = make("span", { class: "row-state" },
    makeChip(state, PROGRESS[state]),
    state === "begun" ? ` ${share} % decided` : "",
    problem ? ` ${problem}` : "");
  const attributes = { href: isOpenable && addressOf(row.record), class: `row state-${state}` };
  return make("a", attributes, name, state !== "finished" && note, progress);
}

/** The address of a record in this page. */
function addressOf(record) {
  return `#record=${encodeURIComponent(record)}`;
}
