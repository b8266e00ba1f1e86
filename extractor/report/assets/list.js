// The list of records: only the visible lines are elements, however many records there are.

const AROUND = 6;

/** A list in a scrolling box. */
class RecordList {
  constructor(box, list) {
    this.box = box;
    this.list = list;
    this.rows = [];
    this.lines = new Map();
    this.cursor = 0;
    this.current = null;
    box.addEventListener("scroll", () => this.draw());
    addEventListener("resize", () => this.redraw());
    list.addEventListener("keydown", (event) => this.move(event));
    list.addEventListener("focusin", (event) => this.setCursor(Number(event.target.closest("li").dataset.place)));
  }

  /** Show other rows, from the first. */
  show(rows) {
    const isSame = rows.length === this.rows.length && rows.every((row, place) => row === this.rows[place]);
    this.rows = rows;
    if (!isSame) {
      this.cursor = 0;
      this.box.scrollTop = 0;
    }
    this.redraw();
  }

  redraw() {
    this.height = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
    this.list.style.height = `${this.rows.length * this.height}px`;
    this.lines.clear();
    const isEmpty = this.rows.length === 0;
    this.list.replaceChildren(...(isEmpty ? [make("li", { class: "nothing" }, make("p", { class: "none" }, "No record matches."))] : []));
    if (!isEmpty) this.draw();
  }

  /** Make the visible lines, and drop the others, except the one with the focus. */
  draw() {
    if (this.rows.length === 0 || !this.box.clientHeight) return;
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.height) - AROUND);
    const last = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.height) + AROUND);
    for (const [place, line] of this.lines) {
      if ((place < first || place >= last) && !line.contains(document.activeElement)) {
        line.remove();
        this.lines.delete(place);
      }
    }
    for (let place = first; place < last; place++) if (!this.lines.has(place)) this.add(place);
    if (this.cursor < first || this.cursor >= last) this.setCursor(Math.min(first + AROUND, last - 1));
  }

  add(place) {
    const line = makeLine(this.rows[place], place, this.rows.length);
    line.style.top = `${place * this.height}px`;
    const link = line.firstChild;
    link.tabIndex = place === this.cursor ? 0 : -1;
    if (this.rows[place].id === this.current) link.setAttribute("aria-current", "true");
    const next = [...this.list.children].find((other) => Number(other.dataset.place) > place);
    this.list.insertBefore(line, next || null);
    this.lines.set(place, line);
    return line;
  }

  /** The line that Tab reaches. */
  setCursor(place) {
    const old = this.lines.get(this.cursor);
    if (old) old.firstChild.tabIndex = -1;
    this.cursor = place;
    const line = this.lines.get(place);
    if (line) line.firstChild.tabIndex = 0;
  }

  focus(place) {
    const at = Math.max(0, Math.min(this.rows.length - 1, place));
    const top = at * this.height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const bottom = top + this.height - this.box.clientHeight;
    if (bottom > this.box.scrollTop) this.box.scrollTop = bottom;
    this.draw();
    (this.lines.get(at) || this.add(at)).firstChild.focus({ preventScroll: true });
  }

  move(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.focus(this.cursor + steps[event.key]);
  }
}

/** One record of the list: a link. */
function makeLine(row, place, count) {
  const [criteria, regimens, endpoints] = row.items;
  const sure = leastSure(row);
  const number = (count, word) => make("span", {}, make("b", {}, String(count)), ` ${word}${count === 1 ? "" : "s"}`);
  const findings = row.findings ? number(row.findings, "finding") : null;
  if (findings) findings.className = "has-findings";
  const link = make(
    "a",
    { href: writeRecord(row.id) },
    make("span", { class: "row-title" }, make("code", {}, row.id), " ", row.title),
    make(
      "span",
      { class: "row-note" },
      make("span", {}, make("b", {}, String(criteria)), criteria === 1 ? " criterion" : " criteria"),
      number(regimens, "regimen"),
      number(endpoints, "endpoint"),
      findings,
      make("span", {}, make("b", {}, String(row.empty)), " empty"),
      make("span", {}, "least confidence ", make("b", {}, sure.toFixed(2))),
    ),
  );
  return make("li", { "data-place": place, "aria-setsize": count, "aria-posinset": place + 1 }, link);
}
