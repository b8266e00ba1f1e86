// The record's text: the items' marks, and the reviewer's selection.

import { nameSection } from "./summary.js";

/** Draw all sections, each with an anchor of its own. */
export function makeText(record) {
  const sections = record.sections.map(({ name, text }) =>
    make("section", { class: "record-text", "data-name": name },
      make("h2", {}, nameSection(name)),
      make("pre", { "data-section": name }, text)));
  return sections;
}

/** Mark the words of all items, with emphasis on the current one. */
export function showMarks(pane, record, current) {
  const shown = record.items.filter((item) => item.state !== "rejected" || item.id === current);
  const marks = shown.flatMap((item) => item.marks.map(([field, section, start, end]) => ({ item: item.id, field, section, start, end })));
  for (const pre of pane.querySelectorAll("pre")) {
    const { text, starts } = record.sections.find(({ name }) => name === pre.dataset.section);
    const own = marks.filter(({ section }) => section === pre.dataset.section);
    const signature = JSON.stringify([current, own]);
    if (pre.signature === signature) continue;
    pre.signature = signature;
    pre.replaceChildren(...markText(text, own, (words, over) => makeMark(words, over, current), starts, makeStart));
  }
}

/** The start of one of several items: a number on its own line. It is not text, so offsets do not change. */
function makeStart(place) {
  return make("span", { class: place ? "start later" : "start", "data-number": `${place + 1}. ` });
}

function makeMark(words, over, current) {
  const own = over.filter((mark) => mark.item === current);
  const fields = own.map((mark) => mark.field);
  const shortest = [...over].sort((one, other) => one.end - one.start - (other.end - other.start))[0];
  const name = own.length ? "current" : "";
  const title = own.length ? [...new Set(fields)].map(toWords).join(", ") : null;
  return make("mark", { class: name, "data-item": shortest.item, "data-fields": fields.join(" "), title }, words);
}

/** Scroll the pane to the current item's first mark, or to a field's mark, which is emphasised. */
export function scrollToMark(pane, field = null) {
  const marks = [...pane.querySelectorAll("mark.current")];
  for (const mark of marks) mark.classList.toggle("sought", field !== null && mark.dataset.fields.split(" ").includes(field));
  const found = marks.find((mark) => mark.classList.contains("sought")) || marks[0];
  if (!found) return;
  const [box, frame] = [found.getBoundingClientRect(), pane.getBoundingClientRect()];
  if (box.top < frame.top || box.bottom > frame.bottom - 40) pane.scrollTop += box.top - frame.top - frame.height / 4;
}

/** The section and offsets of the selected words; null if no words of the text are selected. */
export function readSelection(pane) {
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
export function selectPlace(pane, section, start, end) {
  const pre = [...pane.querySelectorAll("pre")].find((one) => one.dataset.section === section);
  if (!pre) return;
  const range = document.createRange();
  setPoint(pre, start, (node, offset) => range.setStart(node, offset));
  setPoint(pre, end, (node, offset) => range.setEnd(node, offset));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

/** Scroll the pane to the selection. */
export function scrollToSelection(pane) {
  const [box, frame] = [getSelection().getRangeAt(0).getBoundingClientRect(), pane.getBoundingClientRect()];
  pane.scrollTop += box.top - frame.top - frame.height / 3;
  if (innerWidth < 900) scrollBy(0, box.top - innerHeight / 3);
}

function setPoint(pre, offset, set) {
  const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
  let left = offset;
  while (walker.nextNode()) {
    const { length } = walker.currentNode;
    if (left <= length) return set(walker.currentNode, left);
    left -= length;
  }
}

/** All places of some words in the text. */
export function listPlaces(record, words) {
  const wanted = words.toLowerCase();
  const places = [];
  for (const { name, text } of wanted ? record.sections : []) {
    const all = text.toLowerCase();
    for (let start = all.indexOf(wanted); start >= 0; start = all.indexOf(wanted, start + wanted.length)) {
      places.push({ section: name, start, end: start + wanted.length });
    }
  }
  return places;
}

/** Whether two places of the text are the same. */
export function isSamePlace(one, other) {
  return Boolean(one && other) && ["section", "start", "end"].every((name) => one[name] === other[name]);
}
