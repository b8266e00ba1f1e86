// The reviewer's selection in the text, what it can be used for, and the search that selects.

const OUTCOMES = /^(primary|secondary|other)_outcomes/;
const NONE = "not in the text";

/** The section and offsets of the selected words; null if no words of the text are selected. */
function readSelection(pane) {
  const selection = getSelection();
  if (selection.rangeCount === 0 || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const pre = findSection(range.startContainer);
  if (!pre || !pane.contains(pre)) return null;
  const before = document.createRange();
  before.setStart(pre, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  // A triple click ends at the start of the next element.
  const endsInside = findSection(range.endContainer) === pre;
  const end = endsInside ? start + range.toString().length : pre.textContent.length;
  const words = pre.textContent.slice(start, end).trim();
  return words ? { section: pre.dataset.section, start, end, words } : null;
}

/** The element with the text of the section in which a node is; null outside of the sections. */
function findSection(node) {
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  return element.closest("pre[data-section]");
}

/** Select characters of a section as if a reviewer had. */
function selectPlace(pane, { section, start, end }) {
  const pre = pane.querySelector(`pre[data-section="${CSS.escape(section)}"]`);
  if (!pre) return;
  const range = document.createRange();
  const from = findPoint(pre, start);
  const to = findPoint(pre, end);
  if (from) range.setStart(from.node, from.offset);
  if (to) range.setEnd(to.node, to.offset);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

/** The node of text, and the offset in it, so many characters into an element; null beyond its end. */
function findPoint(element, characters) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = characters;
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (left <= node.length) return { node, offset: left };
    left -= node.length;
  }
  return null;
}

/** Whether two places of the text are the same; false if one of them is missing. */
function isSamePlace(one, other) {
  if (!one || !other) return false;
  return one.section === other.section && one.start === other.start && one.end === other.end;
}

/** Draw the bar of uses, or hide it if nothing is selected. */
function showUses(view) {
  const { selection, item, uses } = view;
  uses.hidden = selection === null;
  if (!selection) return;
  const { section, start, end, words } = selection;
  const place = { section, start, end };
  const use = (label, request) => {
    const button = make("button", { type: "button", class: "small" }, label);
    // Else the selection would be lost before the click.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("click", () => view.use({ ...request(), selection: place }));
    return button;
  };
  const shortened = words.length > 80 ? `${words.slice(0, 79)}…` : words;
  const parts = [make("p", { class: "chosen" }, "“", shortened, "”")];
  const fields = item ? listFields(view.form, item).filter(({ marked }) => marked) : [];
  if (fields.length > 0) {
    const reads = fields.map(({ name, label }) => (
      use(label, () => ({ kind: "read", item: item.path, version: view.version(item.path), path: name }))));
    parts.push(make("div", { class: "use" }, make("span", {}, `${item.name}:`), reads));
  }
  const additions = listAddable(view.form, section).map((group) => {
    const isOwn = group.startsWith("custom.");
    const noun = isOwn ? toWords(group.slice("custom.".length)) : TITLES[nameTask(group)][2];
    return use(`New ${noun}`, () => ({ kind: "add", group, item: item?.path ?? null }));
  });
  parts.push(make("div", { class: "use" }, additions), makeHint(view));
  uses.replaceChildren(...parts);
}

/** The groups of which words of a section may be a new item. */
function listAddable(form, section) {
  return Object.keys(form).filter((group) => {
    if (group === "eligibility") return false;  // each record has it once
    // Only what is registered as an outcome is an endpoint.
    return group !== "endpoints" || OUTCOMES.test(section);
  });
}

/** Items that already quote the selected words, to open instead of adding a new one. */
function makeHint(view) {
  const { section, start, end } = view.selection;
  const overlaps = (span) => {
    const place = view.readSpan(span);
    return place.section === section && place.start < end && place.end > start;
  };
  const listQuotes = ({ values }) => values.filter(({ name }) => name === "quote" || name === "measure").flatMap(({ spans }) => spans);
  const quoting = view.record.items.filter((item) => item.state !== "rejected" && listQuotes(item).some(overlaps));
  if (quoting.length === 0) return "";
  const links = quoting.map((item) => {
    const button = make("button", { type: "button", class: "small" }, item.name);
    button.addEventListener("click", () => view.choose(item.path));
    return button;
  });
  return make("div", { class: "use" }, make("span", {}, "Quoted already by:"), links);
}

/** Wire the search field, with the number of the match, and a button to use the match like a selection by mouse. */
function wireFind(view, root) {
  const [field, number, use] = root.children;
  const tell = (words) => {
    number.textContent = words;
    use.hidden = !words || words === NONE;
  };
  field.addEventListener("keydown", (event) => event.key === "Enter" && tell(findNext(view, field.value.trim().toLowerCase())));
  field.addEventListener("input", () => tell(""));
  use.addEventListener("click", () => {
    const place = view.shown;
    if (!place) return;
    view.shown = null;
    selectPlace(view.text, place);
    view.noteSelection();
    view.uses.querySelector("button")?.focus();
  });
}

/** Show the next match of words in lower case, and return its number among all matches. */
function findNext(view, words) {
  if (!words) return "";
  const matches = [];
  // Registers write PLACEBO_COMPARATOR for a placebo comparator.
  const fold = (text) => text.toLowerCase().replaceAll("_", " ");
  const sought = fold(words);
  for (const { name, text } of view.record.sections) {
    const folded = fold(text);
    for (let start = folded.indexOf(sought); start >= 0; start = folded.indexOf(sought, start + words.length)) {
      matches.push({ section: name, start, end: start + words.length });
    }
  }
  if (matches.length === 0) return NONE;
  const last = matches.findIndex((place) => isSamePlace(place, view.shown));
  const next = (last + 1) % matches.length;
  view.select(matches[next]);
  const number = `${next + 1} of ${matches.length}`;
  return next <= last ? `${number}, from the top` : number;
}
