// The list of a page: only the visible lines are elements, however many rows there are.

const AROUND = 6;

/** A list in a scrolling box. ``makeLink`` makes the link of a row, which has an id; all lines are ``--row`` high. */
class List {
  constructor(box, makeLink, nothing) {
    Object.assign(this, { box, makeLink, nothing, list: box.querySelector("ol"), rows: [], lines: new Map(), cursor: 0, current: null });
    box.addEventListener("scroll", () => this.draw());
    addEventListener("resize", () => this.redraw());
    this.list.addEventListener("keydown", (event) => this.move(event));
    this.list.addEventListener("focusin", (event) => this.setCursor(Number(event.target.closest("li").dataset.place)));
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
    if (this.rows.length === 0) {
      this.list.style.height = "";  // that of the words
      this.list.replaceChildren(make("li", { class: "nothing" }, make("p", {}, this.nothing)));
      return;
    }
    this.list.replaceChildren();
    this.draw();
  }

  /** Make the visible lines and some around them, and drop the others, except the one with the focus. */
  draw() {
    const { scrollTop, clientHeight } = this.box;
    if (this.rows.length === 0 || !clientHeight) return;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - AROUND);
    const end = Math.min(this.rows.length, Math.ceil((scrollTop + clientHeight) / this.height) + AROUND);
    const isNear = (place) => place >= first && place < end;
    for (const [place, line] of this.lines) {
      if (isNear(place) || line.contains(document.activeElement)) continue;
      line.remove();
      this.lines.delete(place);
    }
    for (let place = first; place < end; place++) {
      if (!this.lines.has(place)) this.add(place);
    }
    if (!isNear(this.cursor)) this.setCursor(Math.min(first + AROUND, end - 1));
  }

  /** Make the line of a row, in its place among the others; return it. */
  add(place) {
    const link = this.makeLink(this.rows[place]);
    const line = make("li", { "data-place": place, "aria-setsize": this.rows.length, "aria-posinset": place + 1 }, link);
    line.style.top = `${place * this.height}px`;
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

  /** Scroll to a line, and put the focus on its link. */
  focus(place) {
    this.reveal(place).firstChild.focus({ preventScroll: true });
  }

  /** Scroll to a line, or to the nearest one; return it. */
  reveal(place) {
    const at = Math.max(0, Math.min(this.rows.length - 1, place));
    const top = at * this.height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const bottom = top + this.height - this.box.clientHeight;
    if (bottom > this.box.scrollTop) this.box.scrollTop = bottom;
    this.draw();
    const line = this.lines.get(at) || this.add(at);
    this.setCursor(at);
    return line;
  }

  /** Move the focus by a key: by a line, by a page, to the begin or to the end. */
  move(event) {
    // One line of the page before stays visible.
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.focus(this.cursor + steps[event.key]);
  }
}

/** The links above an item of a list: back to the list, and to its neighbours, if it has any. */
function makeSteps(words, list, ...neighbours) {
  const links = ["Previous", "Next"].map((label, place) => {
    const href = neighbours[place];
    return make("a", { href, "aria-disabled": !href && "true", class: `step ${label.toLowerCase()}` }, label);
  });
  return [make("a", { class: "back", href: list }, words), links].flat();
}
