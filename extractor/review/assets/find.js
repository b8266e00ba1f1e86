// Find words in the text, match by match; a match can be used like a selection by mouse.

import { isSamePlace, listPlaces, selectPlace } from "./text.js";

/** The search field, the number of the match, and a button to use it. */
export function makeFind(view) {
  const field = make("input", { type: "search", id: "search", "aria-label": "Find in the text", placeholder: "find in the text", autocomplete: "off" });
  const count = make("span", { class: "count", role: "status" });
  const use = make("button", { type: "button", class: "small", hidden: true, title: "Use these words for a field or a new item" }, "Use");
  const show = (words) => {
    count.textContent = words;
    use.hidden = !words || words === NONE;
  };
  field.addEventListener("keydown", (event) => event.key === "Enter" && show(findNext(view, field.value.trim())));
  field.addEventListener("input", () => show(""));
  use.addEventListener("click", () => useShown(view));
  return make("div", { class: "find" }, field, count, use);
}

const NONE = "not in the text";

/** Show the next match, and return its number among all matches. */
function findNext(view, words) {
  const found = listPlaces(view.record, words);
  const before = found.findIndex((place) => isSamePlace(place, view.shown));
  const number = (before + 1) % found.length;
  if (!found.length) return words ? NONE : "";
  const { section, start, end } = found[number];
  view.select(section, start, end);
  return `${number + 1} of ${found.length}${number <= before ? ", from the top" : ""}`;
}

function useShown(view) {
  if (!view.shown) return;
  const { section, start, end } = view.shown;
  view.shown = null;
  selectPlace(view.text, section, start, end);
  view.noteSelection();
  view.uses.querySelector("button")?.focus();
}
