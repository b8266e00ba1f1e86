// The parts of a record's page: title, text and items; on a phone the text or the items.

import { makeFind } from "./find.js";
import { makeText } from "./text.js";

/** Make the parts of the page, and store those that change later in the view. */
export function makePanes(view) {
  const { record } = view;
  view.text = make("div", { class: "text", tabindex: "0", role: "region", "aria-label": "Text of the record" }, makeText(record));
  view.items = make("div", { class: "items" });
  view.uses = make("div", { class: "uses", role: "toolbar", "aria-label": "Use the selected words", hidden: true });
  view.text.addEventListener("click", (event) => {
    const mark = event.target.closest("mark");
    if (mark && getSelection().isCollapsed) view.choose(mark.dataset.item, { quiet: true });
  });
  view.tabs = make("div", { class: "tabs", role: "group", "aria-label": "What is shown" }, makeTab(view, "text", "Text"), makeTab(view, "items", "Items"));
  view.page = make("div", { class: "record show-items" },
    make("section", { class: "text-side", "aria-label": "Text" }, makeFind(view), view.text, view.uses),
    make("section", { class: "items-side", "aria-label": "Items" }, view.items));
  watchDrag(view);
  view.items.addEventListener("focusin", (event) => view.noteFocus(event.target.id));
  const title = make("div", { class: "title" }, make("h1", {}, record.title || record.record), make("code", { class: "dim" }, record.record));
  return [title, view.tabs, view.page];
}

/** Words are selected when the mouse button is released, not while the mouse moves. */
function watchDrag(view) {
  view.text.addEventListener("pointerdown", () => {
    view.isDragging = true;
    const end = () => {
      for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, end);
      view.isDragging = false;
      view.noteSelection();
    };
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);
  });
}

function makeTab(view, name, words) {
  const button = make("button", { type: "button", "aria-pressed": String(name === "items") }, words);
  button.addEventListener("click", () => view.showPane(name));
  return button;
}
