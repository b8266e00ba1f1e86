// Uses of selected words: for a field of the open item, or for a new item.

import { listFields, nameItem } from "./summary.js";

const OUTCOMES = /^(primary|secondary|other)_outcomes/;

const QUOTES = new Set(["quote", "measure"]);
const NEW = { criterion: "New criterion", regimen: "New dose", endpoint: "New outcome" };

/** Draw the bar of uses, or hide it if nothing is selected. */
export function showUses(view) {
  const { selection, item, uses } = view;
  uses.hidden = selection === null;
  if (!selection) return;
  const { section, start, end, words } = selection;
  const place = { section, start, end };
  const fields = item ? listFields(view.form, item).filter(({ marked }) => marked) : [];
  const own = fields.map(({ name: path, label }) =>
    makeUse(view, label, () => ({ kind: "read", item: item.id, version: view.version(item.id), path, selection: place })));
  const added = Object.entries(NEW).filter(([kind]) => kind !== "endpoint" || OUTCOMES.test(section)).map(([kind, label]) => makeUse(view, label, () => ({ kind: "add", add: kind, selection: place })));
  const named = Object.keys(view.form).filter((key) => key.startsWith("custom.")).map((key) => key.slice("custom.".length));
  added.push(...named.map((field) => makeUse(view, `New ${toWords(field)}`, () => ({ kind: "add", add: "custom", field, item: item?.id ?? null, selection: place }))));
  uses.replaceChildren(
    make("p", { class: "chosen" }, "“", words.length > 80 ? `${words.slice(0, 79)}…` : words, "”"),
    ...(own.length ? [make("div", { class: "use" }, make("span", {}, `${nameItem(item)}:`), own)] : []),
    make("div", { class: "use" }, added),
    makeHint(view));
}

/** Items that already quote the selected words, to open instead of adding a new one. */
function makeHint(view) {
  const { section, start, end } = view.selection;
  const overlaps = ([field, home, from, to]) => QUOTES.has(field) && home === section && from < end && to > start;
  const known = view.record.items.filter((item) => item.state !== "rejected" && item.marks.some(overlaps));
  if (!known.length) return "";
  const links = known.map((item) => {
    const button = make("button", { type: "button", class: "small" }, nameItem(item));
    button.addEventListener("click", () => view.choose(item.id));
    return button;
  });
  return make("div", { class: "use" }, make("span", {}, "Quoted already by:"), links);
}

function makeUse(view, words, request) {
  const button = make("button", { type: "button", class: "small" }, words);
  // Else the selection would be lost before the click.
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("click", () => view.use(request()));
  return button;
}
