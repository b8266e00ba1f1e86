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
    const { records, gold, reviewer, incomplete } = await read("queue");
    if (!isWanted()) return;
    this.records = records;
    this.main.replaceChildren(this.page);
    this.page.querySelector(".lead code").textContent = gold;
    this.page.querySelector(".lead b").textContent = reviewer;
    this.partial.hidden = !incomplete;
    this.partial.textContent = `This run is not complete: ${incomplete}.`;
    this.narrow();
    const place = this.list.rows.findIndex(({ record }) => record === this.last);
    if (place >= 0) this.list.focus(place);
  }

  /** List the records with all searched words in their id, title or reasons. */
  narrow() {
    const words = splitWords(this.search.value);
    const isLeft = ({ progress: { state } }) => state !== "finished" && state !== "without_text";
    const found = this.records.filter((row) => (!this.box.checked || isLeft(row)) && hasWords([row.record, row.title, ...row.reasons], words));
    this.list.show(found);
    const isNarrowed = words.length > 0 || this.box.checked;
    const told = found.length ? `${found.length.toLocaleString("en")} shown here` : words.length ? "no record matches" : "nothing is left to do";
    this.status.textContent = `${tellFinished(this.records)}${isNarrowed ? `; ${told}` : ""}`;
  }

  /** Open the only record that is listed, or go to the first of several. */
  openOnly() {
    if (this.list.rows.length === 1) this.list.list.querySelector("a")?.click();
    else if (this.list.rows.length) this.list.focus(0);
  }

  /** Move the focus in the list. */
  step(by) {
    const isInside = this.list.box.contains(document.activeElement);
    if (this.list.rows.length) this.list.focus(isInside ? this.list.cursor + by : 0);
  }
}

/** How many records of the queue are finished. */
function tellFinished(records) {
  const finished = records.filter(({ progress }) => progress.state === "finished").length;
  return `${finished.toLocaleString("en")} of ${records.length.toLocaleString("en")} finished`;
}

function makeRow(row) {
  const { state, decided, items } = row.progress;
  const isOpenable = state !== "without_text";
  const share = items ? Math.round((100 * decided) / items) : 0;
  return make("a", { href: isOpenable ? addressOf(row.record) : null, class: `row state-${state}` },
    make("span", { class: "row-name" }, make("code", { class: "row-code" }, row.record), " ", make("span", { class: "row-title" }, row.title || row.record)),
    state === "finished" ? null : make("span", { class: "row-note" }, make("b", {}, row.expected.toFixed(1)), " errors expected",
      row.reasons.length ? `: ${row.reasons.join(", ")}` : ""),
    make("span", { class: "row-state" }, makeChip(state, PROGRESS[state]), state === "begun" ? ` ${share} % decided` : "", row.progress.problem ? ` ${row.progress.problem}` : ""));
}

/** The address of a record in this page. */
function addressOf(record) {
  return `#record=${encodeURIComponent(record)}`;
}
