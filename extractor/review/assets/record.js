// One record: its text beside its items, and the reviewer's actions.

import { Actions } from "./actions.js";
import { read } from "./api.js";
import { CERTAIN, makeCard, makeFindings } from "./card.js";
import { showHistory } from "./dialogs.js";
import { makePanes } from "./panes.js";
import { GROUPS, nameItem } from "./summary.js";
import { isSamePlace, readSelection, scrollToMark, scrollToSelection, selectPlace, showMarks } from "./text.js";
import { showUses } from "./uses.js";

export class RecordView {
  constructor(main, form, say, record) {
    Object.assign(this, { main, form, say, record, current: null, selection: null, shown: null, cards: new Map(), actions: new Actions(this) });
    this.chosen = { id: null, count: 0 };
    this.places = new Map();
  }

  /** Put the record into the page, and open its first undecided item. */
  open() {
    this.main.replaceChildren(...makePanes(this));
    const first = this.record.items.find((item) => item.state === "open") || this.record.items[0];
    this.choose(first.id);
    if (first === this.record.items[0]) scrollTo(0, 0);
  }

  showPane(name) {
    this.page.classList.toggle("show-text", name === "text");
    this.page.classList.toggle("show-items", name === "items");
    [...this.tabs.children].forEach((tab, place) => tab.setAttribute("aria-pressed", String((place === 0) === (name === "text"))));
  }

  get item() {
    return this.record.items.find((item) => item.id === this.current);
  }

  /** The item of which a user's own field says this. */
  findHost(item) {
    return this.record.items.find(({ id }) => id === item.custom?.of);
  }

  /** What the user's own fields say of an item. */
  listOwn(item) {
    return this.record.items.filter(({ custom }) => custom?.of === item.id);
  }

  findCard(id) {
    return [...this.items.querySelectorAll(".card")].find((card) => card.dataset.id === id);
  }

  /** Show a place of the text by selecting it, without offering uses of its words. */
  select(section, start, end) {
    this.shown = { section, start, end };
    selectPlace(this.text, section, start, end);
    scrollToSelection(this.text);
    this.noteSelection();
  }

  // Drawing: a card is redrawn only if it has changed, so that it keeps the focus.

  choose(id, { quiet = false, focus = null } = {}) {
    this.current = id;
    this.draw();
    const card = this.findCard(id);
    if (!card) return;
    const [box, frame] = [card.getBoundingClientRect(), this.items.getBoundingClientRect()];
    if (box.top < frame.top || box.bottom > frame.bottom) this.items.scrollTop += box.top - frame.top - 40;
    if (innerWidth < 900) card.scrollIntoView({ block: "start" });
    this.showDoubt(card);
    if (!quiet) scrollToMark(this.text);
    if (focus) card.querySelector(focus)?.focus();
  }

  /** Scroll to the first doubtful field of a card; its buttons stay above it. */
  showDoubt(card) {
    const field = card.querySelector(".field.doubtful");
    if (!field) return;
    const [box, frame] = [field.getBoundingClientRect(), this.items.getBoundingClientRect()];
    const [top, bottom] = innerWidth < 900 ? [0, innerHeight] : [frame.top, frame.bottom];
    if (box.bottom <= bottom - 16) return;
    const by = box.top - top - (bottom - top) / 3;
    if (innerWidth < 900) scrollBy(0, by);
    else this.items.scrollTop += by;
  }

  draw() {
    const { record } = this;
    const kept = new Map();
    this.findings ??= makeFindings(this);
    this.explanation ??= make("p", { class: "dim explained" },
      "A percentage is the confidence of the extraction: of a field, or, beside an item's name, of its least certain field. ",
      "To accept an item is to confirm all of it, also that its empty fields are not stated.");
    const parts = [this.findings, this.explanation];
    for (const [kind, title] of Object.entries(GROUPS)) {
      const items = record.items.filter((item) => item.kind === kind && !this.findHost(item));
      if (kind === "custom" && !items.length) continue;
      const count = items.filter((item) => item.state !== "rejected").length;
      parts.push(make("h2", {}, title, kind === "people" ? "" : make("span", { class: "dim" }, ` ${count}`)));
      if (!items.length) parts.push(make("p", { class: "dim none" }, "None. Select words in the text to add one."));
      for (const item of items) {
        kept.set(item.id, this.makeOrKeep(item));
        parts.push(kept.get(item.id).element);
      }
    }
    for (const flaw of record.flaws.filter((one) => one.item === null)) {
      parts.push(make("p", { class: "notice" }, `${flaw.problem}; ${flaw.remedy}`));
    }
    this.cards = kept;
    this.replace(parts);
    showMarks(this.text, record, this.current);
    if (this.selection) {
      // Redrawn marks lose their selection.
      selectPlace(this.text, this.selection.section, this.selection.start, this.selection.end);
      showUses(this);
    }
    this.showBar();
  }

  makeOrKeep(item) {
    const shown = [item, ...this.listOwn(item)];
    const flaws = this.record.flaws.filter((flaw) => shown.some(({ id }) => id === flaw.item));
    const current = shown.some(({ id }) => id === this.current) && this.current;
    const isOpenLeft = current && this.record.items.some((one) => one.state === "open");
    const signature = JSON.stringify([shown, flaws, current, isOpenLeft]);
    const known = this.cards.get(item.id);
    return known?.signature === signature ? known : { signature, element: makeCard(this, item) };
  }

  /** Put the parts in place, and keep the focus and unsaved input. */
  replace(parts) {
    const active = document.activeElement;
    const [id, typed, top] = [active?.id, active && "defaultValue" in active && active.value !== active.defaultValue ? active.value : null, this.items.scrollTop];
    const present = new Set(parts.filter(Boolean));
    for (const child of [...this.items.children]) if (!present.has(child)) child.remove();
    [...present].forEach((part, place) => {
      if (this.items.children[place] !== part) this.items.insertBefore(part, this.items.children[place] || null);
    });
    this.items.scrollTop = top;
    const again = id && document.getElementById(id);
    if (!again || again === document.activeElement) return;
    again.focus({ preventScroll: true });
    if (typed !== null && "value" in again) again.value = typed;
  }

  showBar() {
    const { progress, undo, redo } = this.record;
    const words = { finished: "finished", changed: "changed since it was finished" }[progress.state];
    document.querySelector(".progress").textContent = words || `${progress.decided} of ${progress.items} decided`;
    const find = (name) => document.querySelector(`[data-do=${name}]`);
    find("undo").disabled = undo.length === 0;
    find("redo").disabled = redo.length === 0;
    const certain = this.listCertain();
    find("certain").disabled = certain.length === 0;
    find("certain").textContent = certain.length ? `Accept ${certain.length} certain` : "Accept certain";
    find("certain").title = certain.length ? `Accept ${certain.map(nameItem).join(", ")}` : "No undecided item is certain";
    find("finish").disabled = progress.state === "finished";
  }

  noteSelection() {
    if (this.isDragging) return;
    const read = readSelection(this.text);
    const selection = isSamePlace(read, this.shown) ? null : read;
    const isSame = JSON.stringify(selection) === JSON.stringify(this.selection);
    this.selection = selection;
    if (!isSame) showUses(this);
  }

  use(change) {
    getSelection().removeAllRanges();
    this.noteSelection();
    this.send("change", () => change, () => (change.kind === "read" ? [[change.path, "the selected words"]] : []));
    if (innerWidth < 900) this.actions.settled().then(() => this.showPane("items"));
  }

  // The reviewer's actions.

  set(id, path, value) {
    const seen = this.record.items.find((item) => item.id === id).value[path] ?? null;
    const build = () => ({ kind: "set", item: id, version: this.version(id), path, old: seen, value });
    const { chosen } = this;
    return this.send("change", build, () => [[path, toLine(value)]]).then((done) => {
      if (done && this.isLast(id, path)) chosen.count += 1;
      return done;
    });
  }

  /** Whether the next undo changes a value of that field. */
  isLast(id, path) {
    const last = this.record.undo.at(-1);
    return last?.kind === "set" && last.item === id && last.path === path;
  }

  /** A choice in a menu can be undone while the menu has the focus. */
  noteFocus(id) {
    if (id && id !== this.chosen.id) this.chosen = { id, count: 0 };
  }

  async takeBack(menu) {
    const [id, path] = menu.split("|");
    const { count } = this.chosen.id === menu ? this.chosen : { count: 0 };
    this.chosen = { id: null, count: 0 };
    for (let left = count; left > 0 && this.isLast(id, path); left -= 1) await this.undo();
  }

  /** Undo, and return to the item that was open at the time. */
  async undo() {
    const back = this.places.get(JSON.stringify(this.record.undo));
    const done = await this.send("undo");
    if (done && back !== undefined && back !== this.current && this.record.items.some(({ id }) => id === back)) this.choose(back);
    return done;
  }

  /** Reject or restore the current item. "Who may take part" cannot be rejected. */
  rejectOrRestore() {
    if (!this.item || this.item.kind === "people") return;
    return this.decide(this.item.state === "rejected" ? "restore" : "reject");
  }

  decide(kind, ids = [this.current]) {
    const wanted = { accept: "accepted", reject: "rejected", restore: "as it was predicted" }[kind];
    return this.send("change", () => ({ kind, items: ids.map((item) => ({ item, version: this.version(item) })) }), () => [["state", wanted]]);
  }

  accept() {
    if (!this.item || this.item.state !== "open") return this.goToOpen();
    const own = this.listOwn(this.item).filter((one) => one.state === "open");
    return this.decide("accept", [this.item, ...own].map(({ id }) => id)).then((done) => done && this.goToOpen());
  }

  async acceptCertain() {
    const certain = this.listCertain();
    const done = await this.decide("accept", certain.map((item) => item.id));
    if (!done) return;
    const open = this.record.items.find((item) => item.state === "open");
    if (open) this.choose(open.id);
    this.say(`${certain.length} accepted: ${certain.map(nameItem).join(", ")}.`);
  }

  listCertain() {
    return this.record.items.filter((item) => item.state === "open" && item.confidence >= CERTAIN);
  }

  version(id) {
    return this.record.items.find((item) => item.id === id)?.version ?? 0;
  }

  async send(what, build, describe) {
    const { current } = this;
    const done = await this.actions.send(what, build, describe);
    if (done && what === "change") this.places.set(JSON.stringify(this.record.undo), current);
    return done;
  }

  /** Show the server's answer; the changed item becomes the current one. */
  take(record) {
    this.record = record;
    const { acted } = record;
    if (acted && acted !== this.current && record.items.some((item) => item.id === acted)) this.choose(acted);
    else if (!this.item && this.current !== null) this.choose(record.items[0].id);
    else this.draw();
  }

  goToOpen() {
    const { items } = this.record;
    const place = items.findIndex((item) => item.id === this.current);
    const turned = [...items.slice(place + 1), ...items.slice(0, place + 1)];
    const next = turned.find((item) => item.state === "open");
    if (next) this.choose(next.id);
    else this.say("All items are decided. Finish the record to write its gold.");
  }

  goToTrouble() {
    const flawed = this.record.flaws.find((flaw) => flaw.item)?.item;
    const open = this.record.items.find((item) => item.state === "open")?.id;
    if (open || flawed) this.choose(open || flawed);
  }

  step(by) {
    const { items } = this.record;
    const place = items.findIndex((item) => item.id === this.current);
    const next = items[Math.min(items.length - 1, Math.max(0, place + by))];
    if (next) this.choose(next.id);
  }

  edit() {
    if (!this.item) return;
    const card = this.findCard(this.current);
    const control = "input, select, textarea, button.small";
    (card.querySelector(`.field.doubtful :is(${control})`) || card.querySelector(`.form :is(${control})`))?.focus();
  }

  async showHistory() {
    await showHistory(await read("history", { id: this.record.record }));
  }

  /** Show others' changes, unless the reviewer is typing. */
  async follow() {
    const active = document.activeElement;
    const isTyping = active && "defaultValue" in active && active.value !== active.defaultValue;
    if (isTyping || document.querySelector("dialog").open) return;
    const { version, by } = await read("version", { id: this.record.record });
    if (version === this.record.version) return;
    this.take(await read("record", { id: this.record.record }));
    this.say(`${by} changed this record.`);
  }
}
