// One record: its text beside its items, and the reviewer's actions.

class RecordView {
  constructor(main, form, record) {
    Object.assign(this, { main, form, record, current: null, selection: null, shown: null, cards: new Map(), places: new Map() });
    this.entered = { id: null, undo: "" };
    this.done = Promise.resolve();
  }

  /** Put the record into the page, and open its first undecided item. */
  open() {
    this.main.replaceChildren(this.makePanes());
    const first = this.record.items.find((item) => item.state === "open") || this.record.items[0];
    this.choose(first.path);
    if (first === this.record.items[0]) scrollTo(0, 0);
  }

  /** Make the parts of the page: title, text and items; on a phone the text or the items. */
  makePanes() {
    const { record } = this;
    const page = document.getElementById("record-page").content.cloneNode(true);
    const find = (selector) => page.querySelector(selector);
    Object.assign(this, { text: find(".text"), items: find(".items"), uses: find(".uses") });
    find("h1").textContent = record.title || record.record;
    find("code").textContent = record.record;
    this.turn = switchPanes(find(".page"));
    wireFind(this, find(".find"));
    this.text.replaceChildren(...showText({ ...record, spans: [] }, null, "h2"));
    this.text.addEventListener("click", (event) => {
      const mark = event.target.closest("mark");
      if (mark && getSelection().isCollapsed) this.choose(mark.dataset.item, { quiet: true });
    });
    // Words are selected when the mouse button is released, not while the mouse moves.
    this.text.addEventListener("pointerdown", () => {
      this.isDragging = true;
      const end = () => {
        for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, end);
        this.isDragging = false;
        this.noteSelection();
      };
      for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);
    });
    this.items.addEventListener("focusin", (event) => this.noteFocus(event.target.id));
    return page;
  }

  get item() {
    return this.record.items.find((item) => item.path === this.current);
  }

  /** The item of which a user's own field says this. */
  findHost(item) {
    return this.record.items.find(({ path }) => path === item.of);
  }

  /** What the user's own fields say of an item. */
  listOwn(item) {
    return this.record.items.filter(({ of }) => of === item.path);
  }

  findCard(path) {
    return this.items.querySelector(`.card[data-path="${CSS.escape(path)}"]`);
  }

  /** Show a place of the text by selecting it, without offering uses of its words. */
  select(place) {
    this.shown = place;
    selectPlace(this.text, place);
    bringIntoSight(getSelection().getRangeAt(0), this.text);
    this.noteSelection();
  }

  /** The place of a span in the text. */
  readSpan(number) {
    const [section, start, end] = this.record.spans[number];
    return { section: this.record.sections[section].name, start, end };
  }

  /** Mark the words of all items, with emphasis on the current one. */
  showMarks() {
    const { record, current } = this;
    const items = record.items.filter(({ state, path }) => state !== "rejected" || path === current);
    const owners = listOwners({ ...record, items }).map((over) => over.map(({ item, value }) => ({ item: item.path, field: value.name })));
    for (const { path, added } of items) if (added !== null) owners[added].push({ item: path, field: "quote" });
    [...this.text.querySelectorAll("pre[data-section]")].forEach((pre, number) => {
      const own = record.spans.flatMap(([section, ...ends], span) => (section === number ? [[ends, owners[span]]] : []));
      const signature = JSON.stringify([current, own]);
      if (pre.signature === signature) return;
      pre.signature = signature;
      drawMarks(pre, record, number, (words, spans) => {
        const over = spans.flatMap((span) => owners[span]);
        if (!over.length) return words;
        const fields = over.filter(({ item }) => item === current).map(({ field }) => field);
        const title = fields.length ? [...new Set(fields)].map(toWords).join(", ") : null;
        return make("mark", { class: fields.length ? "current" : "", "data-item": over[0].item, "data-fields": fields.join(" "), title }, words);
      });
    });
  }

  /** Scroll the text to the current item's first mark, or to that of a field, which is emphasised. */
  seekMark(field = null) {
    const marks = [...this.text.querySelectorAll("mark.current")];
    for (const mark of marks) mark.classList.toggle("sought", field !== null && mark.dataset.fields.split(" ").includes(field));
    const found = marks.find((mark) => mark.classList.contains("sought")) || marks[0];
    if (found && innerWidth > 900) bringIntoSight(found, this.text);
  }

  // Drawing: only what has changed is redrawn, so that it keeps the focus, a click or a selection in progress.

  choose(id, { quiet = false, focus = null } = {}) {
    this.current = id;
    this.draw();
    const card = this.findCard(id);
    if (!card) return;
    // On a phone, the window scrolls; elsewhere the pane does, and the buttons of a card stay above its form.
    if (innerWidth < 900) card.scrollIntoView({ block: "start" });
    else bringIntoSight(card, this.items);
    const doubtful = card.querySelector(".field.doubtful");
    if (doubtful) bringIntoSight(doubtful, this.items);
    if (!quiet) this.seekMark();
    if (focus) card.querySelector(focus)?.focus();
  }

  draw() {
    const { record } = this;
    const kept = new Map();
    this.findings ??= makeFindings(this);
    this.explanation ??= make("p", { class: "dim explained" },
      "A percentage is the confidence of the extraction: of a field, or, beside an item's name, of its least certain field. ",
      "To accept an item is to confirm all of it, also that its empty fields are not stated.");
    const parts = [this.findings, this.explanation];
    for (const task of TASKS) {
      const items = listItems(record.items, task);
      if (task === "custom" && !items.length) continue;
      parts.push(makeTitle("h2", task, record.items));
      if (!items.length) parts.push(make("p", { class: "dim none" }, "None. Select words in the text to add one."));
      for (const item of items) {
        kept.set(item.path, this.makeOrKeep(item));
        parts.push(kept.get(item.path).element);
      }
    }
    for (const flaw of record.flaws.filter((one) => one.item === null)) {
      parts.push(make("p", { class: "notice" }, `${flaw.problem}; ${flaw.remedy}`));
    }
    this.cards = kept;
    this.replace(parts);
    this.showMarks();
    if (this.selection) {
      // Redrawn marks lose their selection.
      selectPlace(this.text, this.selection);
      showUses(this);
    }
    this.showBar();
  }

  makeOrKeep(item) {
    const shown = [item, ...this.listOwn(item)];
    const flaws = this.record.flaws.filter((flaw) => shown.some(({ path }) => path === flaw.item));
    const current = shown.some(({ path }) => path === this.current) && this.current;
    const isOpenLeft = current && this.record.items.some((one) => one.state === "open");
    const signature = JSON.stringify([shown, flaws, current, isOpenLeft, current && this.record.choices]);
    const known = this.cards.get(item.path);
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
    const words = { finished: "finished", changed: "changed since it was finished", broken: progress.problem }[progress.state];
    document.querySelector(".progress").textContent = words || `${progress.decided} of ${progress.items} decided`;
    const find = (name) => document.querySelector(`[data-do=${name}]`);
    find("undo").disabled = undo.length === 0;
    find("redo").disabled = redo.length === 0;
    const certain = this.listCertain();
    find("certain").disabled = certain.length === 0;
    find("certain").textContent = certain.length ? `Accept ${certain.length} certain` : "Accept certain";
    find("certain").title = certain.length ? `Accept ${certain.map(({ name }) => name).join(", ")}` : "No undecided item is certain";
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
    this.send("change", () => change);
    if (innerWidth < 900) this.settled().then(() => this.turn("items"));
  }

  // The reviewer's actions.

  set(item, path, value) {
    const old = this.record.items.find((one) => one.path === item).value[path] ?? null;
    return this.send("change", () => ({ kind: "set", item, version: this.version(item), path, old, value }));
  }

  /** Remember what the next undo was when a control got the focus. */
  noteFocus(id) {
    if (id && id !== this.entered.id) this.entered = { id, undo: JSON.stringify(this.record.undo) };
  }

  /** Undo the choices that were made in a menu since it got the focus. */
  async takeBack(menu) {
    const [item, path] = menu.split("|");
    const isMade = () => {
      const last = this.record.undo.at(-1);
      return last?.kind === "set" && last.item === item && last.path === path && JSON.stringify(this.record.undo) !== this.entered.undo;
    };
    while (this.entered.id === menu && isMade() && (await this.undo()));
  }

  /** Undo, and return to the item that was open at the time. */
  async undo() {
    const back = this.places.get(JSON.stringify(this.record.undo));
    const done = await this.send("undo");
    if (done && back !== undefined && back !== this.current && this.record.items.some(({ path }) => path === back)) this.choose(back);
    return done;
  }

  /** Reject or restore the current item. "Who may take part" cannot be rejected. */
  rejectOrRestore() {
    if (!this.item || this.item.path === "eligibility") return;
    return this.decide(this.item.state === "rejected" ? "restore" : "reject");
  }

  decide(kind, ids = [this.current]) {
    return this.send("change", () => ({ kind, items: ids.map((item) => ({ item, version: this.version(item) })) }));
  }

  accept() {
    if (!this.item || this.item.state !== "open") return this.goToOpen();
    const own = this.listOwn(this.item).filter((one) => one.state === "open");
    return this.decide("accept", [this.item, ...own].map(({ path }) => path)).then((done) => done && this.goToOpen());
  }

  async acceptCertain() {
    const certain = this.listCertain();
    const done = await this.decide("accept", certain.map((item) => item.path));
    if (!done) return;
    const open = this.record.items.find((item) => item.state === "open");
    if (open) this.choose(open.path);
    say(`${certain.length} accepted: ${certain.map(({ name }) => name).join(", ")}.`);
  }

  listCertain() {
    return this.record.items.filter((item) => item.state === "open" && item.confidence >= CERTAIN);
  }

  version(id) {
    return this.record.items.find((item) => item.path === id)?.version ?? 0;
  }

  /** Send an action after those before it, and show the answer; return whether it succeeded. */
  send(what, build = () => ({})) {
    const { current } = this;
    this.done = this.settled().then(async () => {
      const done = await this.sendNow(what, build());
      if (done && what === "change") this.places.set(JSON.stringify(this.record.undo), current);
      return done;
    });
    return this.done;
  }

  /** Resolves when all actions so far are done or have failed. */
  settled() {
    return this.done.catch(() => {});
  }

  /** Send an action. A refusal is reported, a conflict shown. */
  async sendNow(what, body) {
    const id = this.record.record;
    try {
      this.take(await act(what, id, body));
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.mayFinish && (await askToFinish(error.message))) return this.sendNow("finish", { anyway: true });
      if (error.status !== 409) say(error.message);
      else if ((await showConflict(error)) === "mine") return this.sendNow(what, renew(body, error.theirs));
      if (error.status !== 0) this.take(await read("record", { id }));
      if (what === "finish") this.goToTrouble();
      return false;
    }
  }

  /** Show the server's answer; the changed item becomes the current one. */
  take(record) {
    this.record = record;
    const { acted } = record;
    if (acted && acted !== this.current && record.items.some((item) => item.path === acted)) this.choose(acted);
    else if (!this.item && this.current !== null) this.choose(record.items[0].path);
    else this.draw();
  }

  goToOpen() {
    const { items } = this.record;
    const place = items.findIndex((item) => item.path === this.current);
    const turned = [...items.slice(place + 1), ...items.slice(0, place + 1)];
    const next = turned.find((item) => item.state === "open");
    if (next) this.choose(next.path);
    else say("All items are decided. Finish the record to write its gold.");
  }

  goToTrouble() {
    const flawed = this.record.flaws.find((flaw) => flaw.item)?.item;
    const open = this.record.items.find((item) => item.state === "open")?.path;
    if (open || flawed) this.choose(open || flawed);
  }

  step(by) {
    const { items } = this.record;
    const place = items.findIndex((item) => item.path === this.current);
    const next = items[Math.min(items.length - 1, Math.max(0, place + by))];
    if (next) this.choose(next.path);
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
    if (isTyping || document.querySelector("dialog[open]")) return;
    const { version, by } = await read("version", { id: this.record.record });
    if (version === this.record.version) return;
    this.take(await read("record", { id: this.record.record }));
    say(`${by} changed this record.`);
  }
}
