// The queue: records with the most expected errors first, a page at a time.

import { read } from "./api.js";
import { makeChip } from "./summary.js";

const PAGE = 50;
const PATIENCE_MS = 150;
const STATES = {
  open: "not begun",
  begun: "begun",
  changed: "changed since it was finished",
  finished: "finished",
  without_text: "text missing",
};

/** The list of records. Its search and its length stay while a record is open. */
export class QueueView {
  constructor(main, say) {
    Object.assign(this, { main, say, words: "", unfinished: false, count: PAGE, last: null, turn: 0 });
    this.search = make("input", { type: "search", id: "search", placeholder: "id, title or reason", autocomplete: "off" });
    this.search.addEventListener("input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.narrow({ words: this.search.value }), PATIENCE_MS);
    });
    this.box = make("input", { type: "checkbox", id: "unfinished" });
    this.box.addEventListener("change", () => this.narrow({ unfinished: this.box.checked }));
    this.more = make("button", { type: "button", class: "more", hidden: true }, `Show ${PAGE} more`);
    this.more.addEventListener("click", () => this.goOn());
    this.lead = make("p", { class: "lead" });
    this.partial = make("p", { class: "notice", hidden: true });
    this.status = make("p", { class: "status", role: "status" });
    this.list = make("ol", { class: "queue list framed" });
    this.page = make("div", {},
      make("h1", {}, "Records to review"), this.partial, this.lead,
      make("div", { class: "filters" },
        make("label", { class: "wide" }, "Search", this.search),
        make("label", { class: "check" }, this.box, "Only what is left to do")),
      this.status, this.list, this.more);
  }

  /** Draw the queue, and scroll to the record that the reviewer comes from. */
  async show(isWanted) {
    const { page, turn } = await this.ask(0, this.count);
    if (!isWanted()) return;
    this.main.replaceChildren(this.page);
    this.draw(page, turn);
    const row = this.last && this.list.querySelector(`a[href="${CSS.escape(addressOf(this.last))}"]`);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "center" });
  }

  async narrow(how) {
    Object.assign(this, how, { count: PAGE });
    await this.tryTo(async () => {
      const { page, turn } = await this.ask(0, PAGE);
      this.draw(page, turn);
    });
  }

  async goOn() {
    await this.tryTo(async () => {
      const start = this.list.children.length;
      const { page, turn } = await this.ask(start, PAGE);
      if (turn !== this.turn) return;
      this.list.append(...page.records.map(makeRow));
      this.count = start + PAGE;
      this.showMore(page);
      this.list.children[start]?.querySelector("a").focus();
    });
  }

  async tryTo(act) {
    try {
      await act();
    } catch (error) {
      this.say(error.message);
    }
  }

  async ask(start, count) {
    const turn = ++this.turn;
    return { turn, page: await read("queue", { words: this.words, unfinished: this.unfinished, start, count }) };
  }

  /** Replace all rows with a page's rows, unless another page has been requested. */
  draw(page, turn) {
    if (turn !== this.turn) return;
    this.lead.replaceChildren("Those with the most expected errors come first. Gold goes to ", make("code", {}, page.gold),
      "; you review as ", make("b", {}, page.reviewer), ".");
    this.partial.hidden = !page.incomplete;
    this.partial.textContent = `This run is not complete: ${page.incomplete}.`;
    this.list.replaceChildren(...page.records.map(makeRow));
    this.showMore(page);
  }

  showMore({ found, total, finished }) {
    const number = (count) => count.toLocaleString("en");
    const share = `${number(finished)} of ${number(total)} finished`;
    const isNarrowed = this.words.trim() !== "" || this.unfinished;
    this.status.textContent = !isNarrowed ? share : `${share}; ${found ? `${number(found)} shown here` : this.words.trim() === "" ? "nothing is left to do" : "no record matches"}`;
    this.more.hidden = this.list.children.length >= found;
  }

  /** Move the focus in the list. */
  step(by) {
    const links = [...this.list.querySelectorAll("a[href]")];
    const place = links.indexOf(document.activeElement);
    links[place < 0 ? 0 : Math.min(links.length - 1, Math.max(0, place + by))]?.focus();
  }
}

function makeRow(row) {
  const { state, decided, items } = row.progress;
  const isOpenable = state !== "without_text";
  const share = items ? Math.round((100 * decided) / items) : 0;
  return make("li", { class: `state-${state}` },
    make("a", { href: isOpenable ? addressOf(row.record) : null, class: "row" },
      make("span", {}, make("code", { class: "row-code" }, row.record), " ", make("span", { class: "row-title" }, row.title || row.record)),
      state === "finished" ? null : make("span", { class: "row-note" }, make("b", {}, row.expected.toFixed(1)), " errors expected",
        row.reasons.length ? `: ${row.reasons.join(", ")}` : ""),
      make("span", { class: "row-state" }, makeChip(state, STATES[state]),
        state === "begun" ? ` ${share} % decided` : ""),
    ));
}

/** The address of a record in this page. */
export function addressOf(record) {
  return `#record=${encodeURIComponent(record)}`;
}
