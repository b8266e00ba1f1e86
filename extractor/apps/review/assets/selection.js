// The reviewer's selection in the text, what it can be used for, and the search that selects.

const OUTCOMES = /^(primary|secondary|other)_outcomes/;
const NONE = "not in the text";

/** The section and offsets of the selected words; null if no words of the text are selected. */
function readSelection(pane) {
  const selection = getSelection();
  if (selection.rangeCount === 0 || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const home = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest("pre[data-section]");
  const [pre, last] = [home(range.startContainer), home(range.endContainer)];
  if (!pre || !pane.contains(pre)) return null;
  const before = document.createRange();
  before.setStart(pre, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  // A triple click ends at the start of the next element.
  const end = last === pre ? start + range.toString().length : pre.textContent.length;
  const words = pre.textContent.slice(start, end).trim();
  return words ? { section: pre.dataset.section, start, end, words } : null;
}

/** Select characters of a section as if a reviewer had. */
function selectPlace(pane, { section, start, end }) {
  const pre = [...pane.querySelectorAll("pre[data-section]")].find((one) => one.dataset.section === section);
  if (!pre) return;
  const range = document.createRange();
  const setPoint = (offset, set) => {
    const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
    for (let left = offset; walker.nextNode(); left -= walker.currentNode.length) {
      if (left <= walker.currentNode.length) return set(walker.currentNode, left);
    }
  };
  setPoint(start, (node, offset) => range.setStart(node, offset));
  setPoint(end, (node, offset) => range.setEnd(node, offset));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

/** Whether two places of the text are the same. */
function isSamePlace(one, other) {
  return Boolean(one && other) && ["section", "start", "end"].every((name) => one[name] === other[name]);
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
  const fields = item ? listFields(view.form, item).filter(({ marked }) => marked) : [];
  const own = fields.map(({ name: path, label }) => use(label, () => ({ kind: "read", item: item.path, version: view.version(item.path), path })));
  const groups = Object.keys(view.form).filter((group) => group !== "eligibility" && (group !== "endpoints" || OUTCOMES.test(section)));
  const added = groups.map((group) => {
    const noun = group.startsWith("custom.") ? toWords(group.slice("custom.".length)) : TITLES[nameTask(group)][2];
    return use(`New ${noun}`, () => ({ kind: "add", group, item: item?.path ?? null }));
  });
  uses.replaceChildren(
    make("p", { class: "chosen" }, "“", words.length > 80 ? `${words.slice(0, 79)}…` : words, "”"),
    ...(own.length ? [make("div", { class: "use" }, make("span", {}, `${item.name}:`), own)] : []),
    make("div", { class: "use" }, added),
    makeHint(view));
}

/** Items that already quote the selected words, to open instead of adding a new one. */
function makeHint(view) {
  const { section, start, end } = view.selection;
  const overlaps = (span) => {
    const place = view.readSpan(span);
    return place.section === section && place.start < end && place.end > start;
  };
  const quotes = ({ values }) => values.filter(({ name }) => name === "quote" || name === "measure").flatMap(({ spans }) => spans);
  const known = view.record.items.filter((item) => item.state !== "rejected" && quotes(item).some(overlaps));
  if (!known.length) return "";
  const links = known.map((item) => {
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

/** Show the next match, and return its number among all matches. */
function findNext(view, words) {
  const found = [];
  for (const { name, text } of words ? view.record.sections : []) {
    const all = text.toLowerCase();
    for (let start = all.indexOf(words); start >= 0; start = all.indexOf(words, start + words.length)) {
      found.push({ section: name, start, end: start + words.length });
    }
  }
  if (!found.length) return words ? NONE : "";
  const before = found.findIndex((place) => isSamePlace(place, view.shown));
  const number = (before + 1) % found.length;
  view.select(found[number]);
  return `${number + 1} of ${found.length}${number <= before ? ", from the top" : ""}`;
}
