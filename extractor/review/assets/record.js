// One record: its text beside its items, and what a reviewer does with them.

import { act, read, Refused } from "./api.js";
import { CERTAIN, makeCard, makeFindings } from "./card.js";
import { showConflict, showHistory } from "./dialogs.js";
import { GROUPS, nameItem } from "./summary.js";
import { findWords, makeText, readSelection, scrollToMark, scrollToSelection, selectPlace, showMarks } from "./text.js";
import { showUses } from "./uses.js";

export class RecordView {
  constructor(main, form, say) {
    Object.assign(this, { main, form, say, current: null, selection: null, cards: new Map(), chain: Promise.resolve() });
  }

  async open(id) {
    this.record = await read("record", id);
    this.main.replaceChildren(...this.makePage());
    const first = this.record.items.find((item) => item.state === "open") || this.record.items[0];
    this.choose(first.id);
  }

  makePage() {
    this.text = make("div", { class: "text", tabindex: "0", role: "region", "aria-label": "Text of the record" }, makeText(this.record));
    this.items = make("div", { class: "items" });
    this.uses = make("div", { class: "uses", role: "toolbar", "aria-label": "Use the selected words", hidden: true });
    const find = make("input", { type: "search", id: "search", "aria-label": "Find in the text", placeholder: "find in the text", autocomplete: "off" });
    find.addEventListener("keydown", (event) => event.key === "Enter" && this.find(find.value));
    this.text.addEventListener("click", (event) => {
      const mark = event.target.closest("mark");
      if (mark && getSelection().isCollapsed) this.choose(mark.dataset.item, { quiet: true });
    });
    const panes = ["text", "items"].map((name) => {
      const button = make("button", { type: "button", "aria-pressed": String(name === "items") }, name === "text" ? "Text" : "Items");
      button.addEventListener("click", () => this.showPane(name));
      return button;
    });
    this.tabs = make("div", { class: "tabs", role: "group", "aria-label": "What is shown" }, panes);
    this.page = make("div", { class: "record show-items" },
      make("section", { class: "text-side", "aria-label": "Text" }, find, this.text, this.uses),
      make("section", { class: "items-side", "aria-label": "Items" }, this.items));
    const title = make("div", { class: "title" }, make("h1", {}, this.record.title || this.record.record), make("code", { class: "dim" }, this.record.record));
    return [title, this.tabs, this.page];
  }

  showPane(name) {
    this.page.classList.toggle("show-text", name === "text");
    this.page.classList.toggle("show-items", name === "items");
    [...this.tabs.children].forEach((tab, place) => tab.setAttribute("aria-pressed", String((place === 0) === (name === "text"))));
  }

  get item() {
    return this.record.items.find((item) => item.id === this.current);
  }

  find(words) {
    const found = findWords(this.record, words.trim(), this.selection);
    if (found) this.select(found.section, found.start, found.end);
    else this.say(`“${words}” does not stand in the text.`);
  }

  /** Select a place of the text, and show it. */
  select(section, start, end) {
    selectPlace(this.text, section, start, end);
    scrollToSelection(this.text);
    this.noteSelection();
  }

  // Drawing: a card is drawn anew only if something of it changed, so that the focus stays where it is.

  choose(id, { quiet = false, focus = null } = {}) {
    this.current = id;
    this.draw();
    const card = this.cards.get(id)?.element;
    if (!card) return;
    const [box, frame] = [card.getBoundingClientRect(), this.items.getBoundingClientRect()];
    if (box.top < frame.top || box.bottom > frame.bottom) this.items.scrollTop += box.top - frame.top - 40;
    if (innerWidth < 900) card.scrollIntoView({ block: "start" });
    if (!quiet) scrollToMark(this.text);
    if (focus) card.querySelector(focus)?.focus();
  }

  draw() {
    const { record } = this;
    const kept = new Map();
    this.findings ??= makeFindings(this);
    const parts = [this.findings];
    for (const [kind, title] of Object.entries(GROUPS)) {
      const items = record.items.filter((item) => item.kind === kind);
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
      // Marks that are drawn anew lose what was selected in them.
      selectPlace(this.text, this.selection.section, this.selection.start, this.selection.end);
      showUses(this);
    }
    this.showBar();
  }

  makeOrKeep(item) {
    const flaws = this.record.flaws.filter((flaw) => flaw.item === item.id);
    const isCurrent = item.id === this.current;
    const isOpenLeft = isCurrent && this.record.items.some((one) => one.state === "open");
    const signature = JSON.stringify([item, flaws, isCurrent, isOpenLeft]);
    const known = this.cards.get(item.id);
    return known?.signature === signature ? known : { signature, element: makeCard(this, item, flaws) };
  }

  /** Put the parts in place; the focus and what is being typed stay. */
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
    const certain = this.listCertain().length;
    find("certain").disabled = certain === 0;
    find("certain").textContent = certain ? `Accept ${certain} certain` : "Accept certain";
    find("finish").disabled = progress.state === "finished";
  }

  noteSelection() {
    const selection = readSelection(this.text);
    const isSame = JSON.stringify(selection) === JSON.stringify(this.selection);
    this.selection = selection;
    if (!isSame) showUses(this);
  }

  use(change) {
    getSelection().removeAllRanges();
    this.noteSelection();
    this.send("change", () => change, () => (change.kind === "read" ? [[change.path, "the selected words"]] : []));
    if (innerWidth < 900) this.chain.then(() => this.showPane("items"));
  }

  // Actions: one after the other, each on what the one before left.

  set(id, path, value) {
    const seen = this.record.items.find((item) => item.id === id).value[path] ?? null;
    const build = () => ({ kind: "set", item: id, version: this.version(id), path, old: seen, value });
    return this.send("change", build, () => [[path, toLine(value)]]);
  }

  /** Reject the current item, or restore it. Who may take part is always told: there is nothing to reject. */
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
    return this.decide("accept").then((done) => done && this.goToOpen());
  }

  acceptCertain() {
    return this.decide("accept", this.listCertain().map((item) => item.id));
  }

  listCertain() {
    return this.record.items.filter((item) => item.state === "open" && item.confidence >= CERTAIN);
  }

  version(id) {
    return this.record.items.find((item) => item.id === id)?.version ?? 0;
  }

  /** Send an action when those before are done; whether it was done. */
  send(what, build = () => ({}), describe = () => []) {
    this.chain = this.chain.then(() => this.sendNow(what, build(), describe));
    return this.chain;
  }

  async sendNow(what, body, describe) {
    try {
      this.take(await act(what, this.record.record, body));
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status !== 409) this.say(error.message);
      else if ((await showConflict(error, describe())) === "mine") return this.sendNow(what, renew(body, error.theirs), describe);
      if (error.status !== 0) this.take(await read("record", this.record.record));
      if (what === "finish") this.goToTrouble();
      return false;
    }
  }

  /** Show what the server says of the record now; the item that was changed becomes the current one. */
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
    const card = this.cards.get(this.current).element;
    const control = "input, select, textarea, button.small";
    (card.querySelector(`.field.doubtful :is(${control})`) || card.querySelector(`.form :is(${control})`))?.focus();
  }

  async showHistory() {
    const names = new Map(this.record.items.map((item) => [item.id, nameItem(item)]));
    await showHistory(await read("history", this.record.record), names);
  }

  /** Show what others did in the meantime, unless something is being typed. */
  async follow() {
    const active = document.activeElement;
    const isTyping = active && "defaultValue" in active && active.value !== active.defaultValue;
    if (isTyping || document.querySelector("dialog").open) return;
    const { version, by } = await read("version", this.record.record);
    if (version === this.record.version) return;
    this.take(await read("record", this.record.record));
    this.say(`${by} changed this record.`);
  }
}

/** The same wish, now knowing what somebody else did. */
function renew(body, theirs) {
  if (body.kind === "set") return { ...body, version: theirs.version, old: theirs.value[body.path] ?? null };
  if (body.kind === "read") return { ...body, version: theirs.version };
  if (!body.items) return body;
  return { ...body, items: body.items.map((one) => (one.item === theirs.id ? { ...one, version: theirs.version } : one)) };
}
