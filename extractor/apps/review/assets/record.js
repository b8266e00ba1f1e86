// One record: its text beside its items, and the reviewer's actions.

class RecordView {
  constructor(main, form, record) {
    Object.assign(this, { main, form, record, current: null, selection: null, shown: null, cards: new Map(), places: new Map(), unsent: new Map() });
    this.isLeaving = false;
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
    holdStill(this.items);
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
    const owners = listOwners({ ...record, items }).map((values) => (
      values.map(({ item, value }) => ({ item: item.path, field: value.name }))));
    for (const { path, added } of items) {
      if (added !== null) owners[added].push({ item: path, field: "quote" });
    }
    const makeMark = (words, spans) => {
      const quoting = spans.flatMap((span) => owners[span]);
      if (quoting.length === 0) return words;
      const fields = quoting.filter(({ item }) => item === current).map(({ field }) => field);
      const isCurrent = fields.length > 0;
      const title = isCurrent && [...new Set(fields)].map(toWords).join(", ");
      const attributes = { class: isCurrent ? "current" : "", "data-item": quoting[0].item, "data-fields": fields.join(" "), title };
      return make("mark", attributes, words);
    };
    [...this.text.querySelectorAll("pre[data-section]")].forEach((pre, number) => {
      const marked = [];
      record.spans.forEach(([section, ...ends], span) => {
        if (section === number) marked.push([ends, owners[span]]);
      });
      const signature = JSON.stringify([current, marked]);
      if (pre.signature === signature) return;
      pre.signature = signature;
      drawMarks(pre, record, number, makeMark);
    });
  }

  /** Scroll the text to the current item's first mark, or to that of a field, which is emphasised. */
  seekMark(field = null) {
    const marks = [...this.text.querySelectorAll("mark.current")];
    const isOfField = (mark) => field !== null && mark.dataset.fields.split(" ").includes(field);
    for (const mark of marks) mark.classList.toggle("sought", isOfField(mark));
    const target = marks.find(isOfField) || marks[0];
    // On a phone, the text is not beside the items.
    if (target && innerWidth > 900) bringIntoSight(target, this.text);
  }

  // Drawing: only what has changed is redrawn, so that it keeps the focus, a click or a selection in progress.

  /** Open the card of an item, and show its words in the text unless ``quiet``. */
  choose(id, { quiet = false, focus = null } = {}) {
    this.current = id;
    this.draw();
    const card = this.findCard(id);
    if (!card) return;
    // On a phone, the window scrolls; elsewhere the pane does, and the buttons of a card stay above its form.
    if (innerWidth < 900) card.scrollIntoView({ block: "start" });
    else bringIntoSight(card, this.items);
    const doubtful = card.querySelector(".field.doubtful");
    const covered = card.querySelector(".card-top").offsetHeight + 12;
    if (doubtful) bringIntoSight(doubtful, this.items, covered);
    if (!quiet) this.seekMark();
    if (focus) card.querySelector(focus)?.focus();
  }

  /** Draw the record as it is now. */
  draw() {
    const { record } = this;
    const cards = new Map();
    this.findings ??= makeFindings(this);
    this.explanation ??= make("p", { class: "dim explained" },
      "A percentage is the confidence of the extraction: of a field, or, beside an item's name, of the field that it is least sure of. ",
      "An item is certain if it is at least 95 % sure. ",
      "To accept an item is to confirm all of it, also that its empty fields are not stated.");
    const parts = [this.explanation];
    if (this.findings) parts.unshift(this.findings);
    for (const task of TASKS) {
      const items = listItems(record.items, task);
      if (task === "custom" && items.length === 0) continue;
      parts.push(makeTitle("h2", task, record.items));
      if (items.length === 0) parts.push(make("p", { class: "dim none" }, "None. Select words in the text to add one."));
      for (const item of items) {
        const card = this.makeOrKeep(item);
        cards.set(item.path, card);
        parts.push(card.element);
      }
    }
    for (const { item, problem, remedy } of record.flaws) {
      if (item === null) parts.push(make("p", { class: "notice" }, `${problem}; ${remedy}`));
    }
    this.cards = cards;
    this.replace(parts);
    this.showMarks();
    if (this.selection) {
      // Redrawn marks lose their selection.
      selectPlace(this.text, this.selection);
      showUses(this);
    }
    this.showBar();
  }

  /** The card of an item: the present one, unless something that it shows has changed. */
  makeOrKeep(item) {
    const shown = [item, ...this.listOwn(item)];
    const flaws = this.record.flaws.filter((flaw) => shown.some(({ path }) => path === flaw.item));
    const shows = [shown, flaws];
    const isOpened = shown.some(({ path }) => path === this.current);
    if (isOpened) {
      const isOpenLeft = this.record.items.some(({ state }) => state === "open");
      shows.push(this.current, isOpenLeft, this.record.choices);
    }
    const signature = JSON.stringify(shows);
    const present = this.cards.get(item.path);
    if (present?.signature === signature) return present;
    // An answer to an earlier change does not have what the form has got since.
    if (present && this.unsent.get(item.path) > 0) return present;
    return { signature, element: makeCard(this, item) };
  }

  /** Put the parts in place, and keep the focus and unsaved input. */
  replace(parts) {
    const active = document.activeElement;
    const id = active?.id;
    const typed = hasTyped(active) ? active.value : null;
    const top = this.items.scrollTop;
    for (const child of [...this.items.children]) {
      if (!parts.includes(child)) child.remove();
    }
    parts.forEach((part, place) => {
      const present = this.items.children[place];
      if (present !== part) this.items.insertBefore(part, present || null);
    });
    this.items.scrollTop = top;
    const again = id && document.getElementById(id);
    if (!again || again === document.activeElement) return;
    again.focus({ preventScroll: true });
    if (typed !== null && "value" in again) again.value = typed;
  }

  /** Show in the bar how far the record is, and which actions it allows. */
  showBar() {
    const { progress, undo, redo } = this.record;
    document.querySelector(".progress").textContent = describeProgress(progress);
    const find = (name) => document.querySelector(`[data-do=${name}]`);
    find("undo").disabled = undo.length === 0;
    find("redo").disabled = redo.length === 0;
    find("finish").disabled = progress.state === "finished";
    const certain = this.listCertain();
    const button = find("certain");
    if (certain.length > 0) {
      button.disabled = false;
      button.textContent = `Accept ${certain.length} certain (≥ ${100 * CERTAIN} %)`;
      button.title = `At least ${100 * CERTAIN} % sure of each field: ${certain.map(({ name }) => name).join(", ")}`;
    } else {
      button.disabled = true;
      button.textContent = "Accept certain items";
      button.title = `No undecided item is at least ${100 * CERTAIN} % sure`;
    }
  }

  /** Offer uses of the words that the reviewer has selected; not of those that the page has selected itself. */
  noteSelection() {
    if (this.isDragging) return;
    const read = readSelection(this.text);
    const selection = isSamePlace(read, this.shown) ? null : read;
    const isSame = JSON.stringify(selection) === JSON.stringify(this.selection);
    this.selection = selection;
    if (!isSame) showUses(this);
  }

  /** Use the selected words, and show on a phone what has come of it. */
  use(change) {
    getSelection().removeAllRanges();
    this.noteSelection();
    this.send("change", () => change);
    if (innerWidth < 900) this.settled().then(() => this.turn("items"));
  }

  // The reviewer's actions.

  /** Set a field of an item, by the paths of both. */
  set(itemPath, path, value) {
    const item = this.record.items.find((other) => other.path === itemPath);
    const old = item.value[path] ?? null;
    const left = this.isLeaving;
    this.countUnsent(itemPath, 1);
    return this.send("change", () => {
      this.countUnsent(itemPath, -1);
      return { kind: "set", item: itemPath, version: this.version(itemPath), path, old, value, left };
    });
  }

  /** Note that an item has so many more changes that wait for the answers to earlier ones. */
  countUnsent(itemPath, more) {
    this.unsent.set(itemPath, (this.unsent.get(itemPath) ?? 0) + more);
  }

  /** Remember what the next undo was when a control got the focus. */
  noteFocus(id) {
    if (id && id !== this.entered.id) this.entered = { id, undo: JSON.stringify(this.record.undo) };
  }

  /** Undo the choices that were made in a menu since it got the focus. */
  async takeBack(menu) {
    const [item, path] = menu.split("|");
    const isChoiceLeft = () => {
      if (this.entered.id !== menu) return false;
      const isAsEntered = JSON.stringify(this.record.undo) === this.entered.undo;
      const last = this.record.undo.at(-1);
      return !isAsEntered && last?.kind === "set" && last.item === item && last.path === path;
    };
    while (isChoiceLeft()) {
      const isUndone = await this.undo();
      if (!isUndone) return;
    }
  }

  /** Undo, and return to the item that was open at the time. */
  async undo() {
    const back = this.places.get(JSON.stringify(this.record.undo));
    const isDone = await this.send("undo");
    const isThere = this.record.items.some(({ path }) => path === back);
    if (isDone && isThere && back !== this.current) this.choose(back);
    return isDone;
  }

  /** Reject or restore the current item. "Who may take part" cannot be rejected. */
  rejectOrRestore() {
    if (!this.item || this.item.path === "eligibility") return;
    return this.decide(this.item.state === "rejected" ? "restore" : "reject");
  }

  /** Accept, reject or restore items, by their paths. */
  decide(kind, paths = [this.current]) {
    return this.send("change", () => ({ kind, items: paths.map((item) => ({ item, version: this.version(item) })) }));
  }

  /** Accept the current item with what the user's own fields say of it, and go to the next to decide. */
  async accept() {
    if (this.item?.state === "open") {
      const own = this.listOwn(this.item).filter(({ state }) => state === "open");
      const isDone = await this.decide("accept", [this.item, ...own].map(({ path }) => path));
      if (!isDone) return;
    }
    this.goToOpen();
  }

  /** Accept all items of which the extraction is certain. */
  async acceptCertain() {
    const certain = this.listCertain();
    const isDone = await this.decide("accept", certain.map((item) => item.path));
    if (!isDone) return;
    const open = this.record.items.find((item) => item.state === "open");
    if (open) this.choose(open.path);
    say(`${certain.length} accepted: ${certain.map(({ name }) => name).join(", ")}.`);
  }

  /** The undecided items of which the extraction is certain. */
  listCertain() {
    const isCertain = ({ state, confidence, left }) => state === "open" && confidence >= CERTAIN && left.length === 0;
    return this.record.items.filter(isCertain);
  }

  /** The version of an item, by which the server sees a change of another reviewer; 0 for a new item. */
  version(path) {
    return this.record.items.find((item) => item.path === path)?.version ?? 0;
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
      const record = await act(what, id, body);
      hush();  // what was said before may no longer be true
      this.take(record);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const isConflict = error.status === 409;
      const hasAnswered = error.status !== 0;
      if (error.mayFinish && (await askToFinish(error.message))) return this.sendNow("finish", { anyway: true });
      if (isConflict) {
        const choice = await showConflict(error);
        if (choice === "mine") return this.sendNow(what, renew(body, error.theirs));
      } else {
        say(error.message);
      }
      if (hasAnswered) this.take(await read("record", { id }));
      if (what === "finish") this.goToTrouble();
      return false;
    }
  }

  /** Show the server's answer; the changed item becomes the current one. */
  take(record) {
    this.record = record;
    const { acted } = record;
    const isThere = record.items.some(({ path }) => path === acted);
    const isCurrentGone = !this.item && this.current !== null;
    if (acted && isThere && acted !== this.current) this.choose(acted);
    else if (isCurrentGone) this.choose(record.items[0].path);
    else this.draw();
  }

  /** Go to the next undecided item, after the last one from the top. */
  goToOpen() {
    const { items } = this.record;
    const place = items.findIndex((item) => item.path === this.current);
    const followingFirst = [...items.slice(place + 1), ...items.slice(0, place + 1)];
    const next = followingFirst.find((item) => item.state === "open");
    if (next) this.choose(next.path);
    else say("All items are decided. Finish the record to write its gold.");
  }

  /** Go to what keeps the record from being finished: an undecided item, or else a flaw. */
  goToTrouble() {
    const open = this.record.items.find((item) => item.state === "open")?.path;
    const flaws = this.record.flaws.filter((flaw) => flaw.item);
    const flawed = (flaws.find(({ warns }) => !warns) || flaws[0])?.item;
    const trouble = open || flawed;
    // The first wrong box of a card, which may be one of a row.
    if (trouble) this.choose(trouble, { focus: open ? null : "[aria-invalid]" });
  }

  /** Go so many items on, or back; at most to the last or the first. */
  step(by) {
    const { items } = this.record;
    const place = items.findIndex((item) => item.path === this.current);
    const next = items[Math.min(items.length - 1, Math.max(0, place + by))];
    if (next) this.choose(next.path);
  }

  /** Put the focus into the least certain field of the current item, or into its first field. */
  edit() {
    if (!this.item) return;
    const card = this.findCard(this.current);
    const control = ":is(input, select, textarea, button.small)";
    const doubts = Object.entries(this.item.doubts).sort(([, one], [, other]) => one - other);
    const names = [...this.item.left, ...doubts.map(([name]) => name)];
    const fields = names.map((name) => card.querySelector(`[data-field="${name}"] ${control}`));
    const first = fields.find(Boolean) || card.querySelector(`.form ${control}`);
    first?.focus();
  }

  /** Show what was done to the record. */
  async showHistory() {
    const actions = await read("history", { id: this.record.record });
    await showHistory(actions);
  }

  /** Show others' changes, unless the reviewer is typing. */
  async follow() {
    if (hasTyped(document.activeElement) || document.querySelector("dialog[open]")) return;
    const { version, by } = await read("version", { id: this.record.record });
    if (version === this.record.version) return;
    this.take(await read("record", { id: this.record.record }));
    say(`${by} changed this record.`);
  }
}

/** Keep buttons and boxes in their place until the mouse is released: the help of the focused field goes with the focus. */
function holdStill(pane) {
  const findPressed = (event) => event.target.closest("button, label.check, input[type=checkbox]");
  pane.addEventListener("mousedown", (event) => {
    if (findPressed(event)) event.preventDefault();
  });
  const moveFocus = (event) => {
    const pressed = findPressed(event);
    const control = pressed?.matches("label") ? pressed.control : pressed;
    control?.focus({ preventScroll: true });  // saves typed text first
  };
  pane.addEventListener("click", moveFocus, { capture: true });
}

/** Whether a control has text that is not saved yet. */
function hasTyped(control) {
  return Boolean(control) && "defaultValue" in control && control.value !== control.defaultValue;
}

/** How far a record is, in words. */
function describeProgress({ state, problem, decided, items }) {
  if (state === "finished") return "finished";
  if (state === "changed") return "changed since it was finished";
  if (state === "broken" && problem) return problem;
  return `${decided} of ${items} decided`;
}
