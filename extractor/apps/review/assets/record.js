// One record: its text with marks, its cards, selection, saving and keys.

const recordPage = document.querySelector("#record");
const textBox = recordPage.querySelector(".text");
const uses = recordPage.querySelector(".uses");
const message = document.querySelector(".message");
const tools = document.querySelector(".tools");
const showPane = switchPanes(recordPage);

const review = {
  record: null,
  opened: null,
  cards: new Map(),
  target: null,  // the text box that was last focused, with its row
  pending: Promise.resolve(),
  isLost: false,  // whether something could not be saved
  isSelecting: false,
  isTextStale: false,  // whether to redraw the highlights once no words are selected

  nameItem(item) {
    const host = this.record?.items.find(({ path }) => path === item.of);
    return host ? `${item.name} of ${host.name}` : item.name;
  },

  /** The custom fields of an item, or those of the record if it is omitted. */
  listOwn(item) {
    return Object.entries(FORMS).filter(([group, { of }]) => group.startsWith("custom.") && of === (item?.group ?? null));
  },

  /** Save a change after all earlier changes have been saved. */
  send(patch, row = null, words = null) {
    this.act("change", () => ({ version: this.record.version, patch, words }), row);
  },

  add(group, host = null, words = null) {
    this.send({ path: group, value: group.startsWith("custom.") ? { of: host } : {} }, null, words);
  },

  act(what, makeBody, row = null) {
    const { id } = this.record;
    this.pending = this.pending.then(async () => {
      if (this.record?.id !== id) return;
      try {
        const fresh = await post(what, id, makeBody()).finally(() => { if (row) row.waiting -= 1; });
        if (this.record?.id === id) update(fresh, what);
      } catch (error) {
        if (row) row.sent = null;
        await fail(error, id);
      }
    });
  },

  /** Save without waiting, because the page may be closed at any moment. */
  flush(patch) {
    const { id, version } = this.record;
    post("change", id, { version, patch }).then((fresh) => this.record?.id === id && update(fresh), (error) => fail(error, id));
  },

  open(path) {
    flushTyped();
    this.cards.get(this.opened)?.toggle(false);
    this.opened = path;
    const card = this.cards.get(path);
    card?.toggle(true);
    markCurrent();
    if (card) bringIntoSight(card.head, recordPage.querySelector(".items-pane"), 60);
  },
};

async function fail(error, id) {
  review.isLost = error.status === 0;
  if (error.status === 409 && review.record?.id === id) await openRecord(id);
  tell(error.message);
}

function tell(words) {
  message.textContent = words;
  message.hidden = !words;
}

async function openRecord(id) {
  getSelection().removeAllRanges();
  review.record = null;
  review.opened = null;
  review.cards.clear();
  const record = await get("record", { id });
  update(record);
  const first = record.items.find(needsLook) ?? record.items[0];
  review.open(first.path);
  recordPage.querySelector("#record-title").focus({ preventScroll: true });
}

function update(record, what = "") {
  const before = review.record;
  review.record = record;
  review.isLost = false;
  if (what) tell(what === "finish" ? `Finished: the gold of ${record.id} is written.` : "");
  if (JSON.stringify(before?.spans) !== JSON.stringify(record.spans) || before?.id !== record.id) refreshText();
  const hadPaths = [...review.cards.keys()].join();
  for (const item of record.items) {
    const card = review.cards.get(item.path);
    if (card) card.update(item);
    else review.cards.set(item.path, new Card(item, review));
  }
  const paths = new Set(record.items.map(({ path }) => path));
  for (const path of review.cards.keys()) if (!paths.has(path)) review.cards.delete(path);
  if ([...review.cards.keys()].join() !== hadPaths) drawCards();
  drawFrame();
  if (what === "change" && record.item !== review.opened && paths.has(record.item) && !before.items.some(({ path }) => path === record.item)) review.open(record.item);
  markCurrent();
}

function drawFrame() {
  const { id, title, items, findings, flaws, suggestions, finished } = review.record;
  recordPage.querySelector("#record-title").replaceChildren(title || id, " ", make("code", { class: "dim" }, id));
  tools.querySelector(".progress").textContent = `${items.filter(({ checked }) => checked).length} of ${items.length} checked${finished ? "; finished" : ""}`;
  recordPage.querySelector(".items-pane .notes").replaceChildren(
    ...flaws.map((flaw) => make("p", { class: "notice" }, [flaw.field, flaw.message].filter(Boolean).join(": "))),
    ...(findings.length > 0 ? [make("details", {}, make("summary", {}, count(findings.length, "finding")), make("ul", {}, findings.map((words) => make("li", {}, words))))] : []));
  recordPage.querySelector(".suggestions").replaceChildren(...Object.entries(suggestions).map(([name, words]) => (
    make("datalist", { id: `suggest-${name}` }, words.map((value) => make("option", { value }))))));
}

function drawCards() {
  const groups = Object.keys(FORMS);
  recordPage.querySelector(".items").replaceChildren(...TASKS.flatMap((task) => {
    const ofTask = groups.filter((group) => nameTask(group) === task);
    const cards = review.record.items.filter(({ group }) => ofTask.includes(group)).map(({ path }) => review.cards.get(path).element);
    const addable = ofTask.filter((group) => group !== "eligibility" && FORMS[group].of === null);
    if (ofTask.length === 0) return [];
    return [make("h2", {}, TITLES[task][0]), ...cards, ...addable.map((group) => makeButton(`Add ${FORMS[group].noun}`, () => review.add(group)))];
  }));
}

/** Redraw the text, unless that would lose the selection. */
function refreshText() {
  review.isTextStale = review.isSelecting || readSelection() !== null;
  if (!review.isTextStale) drawText();
}

function drawText() {
  const owners = review.record.spans.map(() => []);
  for (const { path, marks } of review.record.items) for (const span of marks) owners[span].push(path);
  const sections = showText(review.record, (words, spans) => {
    const paths = [...new Set(spans.flatMap((span) => owners[span]))];
    const mark = make("mark", { "data-paths": JSON.stringify(paths) }, words);
    mark.addEventListener("click", () => getSelection().isCollapsed && review.open(paths.at(0)));
    return mark;
  }, "h2");
  textBox.replaceChildren(...sections);
}

/** Highlight the words of the open item, and scroll to the first. */
function markCurrent() {
  let first = null;
  for (const mark of textBox.querySelectorAll("mark")) {
    const isCurrent = JSON.parse(mark.dataset.paths).includes(review.opened);
    mark.classList.toggle("current", isCurrent);
    if (isCurrent) first ??= mark;
  }
  if (first && review.marked !== review.opened) bringIntoSight(first, textBox);
  review.marked = review.opened;
}

function needsLook(item) {
  return item.flaws.length > 0 || item.differences.length > 0 || isDoubtful(item);
}

/** Whether a limit of the item holds, or may hold, for some people only. */
function mayHoldForSome({ for_some: isOfSome, fields }) {
  return isOfSome || (fields.constraints?.value ?? []).some(({ condition }) => condition);
}

/** Open the item ``step`` places after the open one, or the next one for which ``isWanted`` is true; without one, say that there is no ``noun``. */
function move(step, isWanted = () => true, noun = "") {
  const { items } = review.record;
  const at = items.findIndex(({ path }) => path === review.opened);
  const order = items.map((_, place) => items.at((at + step * (place + 1)) % items.length));
  const next = order.find(isWanted);
  if (next) review.open(next.path);
  if (noun) tell(next ? "" : `This record has no ${noun}.`);
  review.cards.get(review.opened)?.head.focus();
}

// Selection

function readSelection() {
  const selection = getSelection();
  if (selection.rangeCount === 0 || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const find = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest("pre[data-section]");
  const section = find(range.startContainer);
  if (!section || !textBox.contains(section)) return null;
  const before = document.createRange();
  before.setStart(section, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  // A triple click ends at the start of the next element.
  const end = find(range.endContainer) === section ? start + range.toString().length : section.textContent.length;
  return { section: section.dataset.section, start, end };
}

function showUses() {
  const words = readSelection();
  uses.hidden = !words;
  if (!words && review.isTextStale) refreshText();
  if (!words) return;
  const item = review.cards.get(review.opened)?.item;
  const buttons = [];
  const { target } = review;
  if (target?.box.isConnected) buttons.push([`Use as ${target.row.field.label}`, () => useWords(words)]);
  for (const group of ["eligibility.criteria", "dosing"]) buttons.push([`New ${FORMS[group].noun}`, () => review.add(group, null, words)]);
  if (/^(primary|secondary|other)_outcomes/.test(words.section)) buttons.push(["New endpoint", () => review.add("endpoints", null, words)]);
  for (const [group, { noun }] of review.listOwn()) buttons.push([`New ${noun}`, () => review.add(group, null, words)]);
  for (const [group, { noun }] of item ? review.listOwn(item) : []) buttons.push([`New ${noun} of this item`, () => review.add(group, item.path, words)]);
  uses.replaceChildren(...buttons.map(([label, act]) => {
    const button = makeButton(label, () => {
      act();
      getSelection().removeAllRanges();
      uses.hidden = true;
      showPane("items");
    });
    // Otherwise the selection would be lost before the click.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    return button;
  }));
}

/** Insert the selected words, as they are in the record, into the text box that was last focused. */
async function useWords(words) {
  const { box, row } = review.target;
  try {
    box.fill((await get("words", { id: review.record.id, ...words })).text);
    const hasPlace = row.name === "quote" && "section" in row.card.item.fields;
    row.commit(hasPlace ? { section: words.section } : {});
  } catch (error) {
    tell(error.message);
  }
}

/** Select the next occurrence of the search words. */
function findNext(searched) {
  const selection = getSelection();
  if (!searched || !window.find) return;
  if (!textBox.contains(selection.anchorNode)) selection.collapse(textBox, 0);
  const isFound = window.find(searched, false, false, true) && textBox.contains(selection.anchorNode);
  tell(isFound ? "" : `“${searched}” does not occur in the rest of the text.`);
  showUses();
}

// Events

/** Save typed text that is not saved yet. */
function flushTyped() {
  for (const row of review.cards.get(review.opened)?.rows?.values() ?? []) if (row.isUnsaved) row.flush();
}

const ACTIONS = {
  next: () => move(1, needsLook, "item with a doubt, a flaw or a difference"),
  some: () => move(1, mayHoldForSome, "limit that may hold for some people only"),
  undo: () => review.act("undo", () => ({})),
  finish: () => review.pending.then(() => finish(false)),
};

async function finish(anyway) {
  try {
    update(await post("finish", review.record.id, { anyway }), "finish");
  } catch (error) {
    tell(error.message);
    if (error.mayFinish && confirm(`${error.message}. Finish anyway?`)) await finish(true);
    else move(1, ({ flaws, differences }) => flaws.length + differences.length > 0);
  }
}

const KEYS = {
  j: () => move(1), k: () => move(-1), n: ACTIONS.next, l: ACTIONS.some, u: ACTIONS.undo, f: ACTIONS.finish,
  c: () => review.cards.get(review.opened)?.actions.firstChild.click(),
  q: () => { location.hash = ""; },
  "/": () => recordPage.querySelector(".find input").focus(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input, textarea, select");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !review.record || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
for (const button of tools.querySelectorAll("button")) button.addEventListener("click", () => ACTIONS[button.dataset.do]());
recordPage.querySelector(".items").addEventListener("focusin", ({ target }) => {
  const row = review.cards.get(review.opened)?.rows?.get(target.closest(".field")?.dataset.field);
  if (target.fill && row) review.target = { box: target, row };
});
recordPage.querySelector(".find").addEventListener("submit", (event) => {
  event.preventDefault();
  findNext(event.target.querySelector("input").value);
});
textBox.addEventListener("pointerdown", () => { review.isSelecting = true; });
document.addEventListener("pointerup", () => { review.isSelecting = false; });
for (const kind of ["pointerup", "keyup"]) document.addEventListener(kind, (event) => !uses.contains(event.target) && !recordPage.hidden && setTimeout(showUses));
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flushTyped());
addEventListener("pagehide", flushTyped);
addEventListener("beforeunload", (event) => review.isLost && event.preventDefault());

async function route() {
  if (location.hash === "#main") return;
  flushTyped();
  const id = location.hash.startsWith("#record=") ? decodeURIComponent(location.hash.slice("#record=".length)) : null;
  tell("");
  recordPage.hidden = true;
  queuePage.hidden = id !== null;
  tools.hidden = id === null;
  document.body.classList.toggle("in-record", id !== null);
  try {
    recordPage.hidden = id === null;
    if (id !== null) await openRecord(id);
    else {
      review.record = null;
      await showQueue();
    }
  } catch (error) {
    recordPage.hidden = true;
    tell(error.message);
  }
}

addEventListener("hashchange", route);
route();
