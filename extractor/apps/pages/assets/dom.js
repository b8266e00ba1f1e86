"use strict";

// Elements and words. All text becomes text nodes: data is never parsed as markup.

/** An element with attributes and children. Strings become text; null and false are left out. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A kind or a key as words. */
function toWords(name) {
  return LABELS.get(name) ?? name.replaceAll("_", " ");
}

/** A number with its noun: "1 regimen", "1,200 criteria". */
function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** Wire the buttons that show one pane on a phone, at first the first; return a function that does it by name. */
function switchPanes(root) {
  const buttons = [...root.querySelectorAll(".switch button")];
  const turn = (name) => {
    for (const pane of root.querySelectorAll("[data-pane]")) pane.classList.toggle("away", pane.dataset.pane !== name);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.name === name));
  };
  for (const button of buttons) button.addEventListener("click", () => turn(button.name));
  turn(buttons[0].name);
  return turn;
}

/** Scroll an element or a range into the sight of its scrolling pane, or of the window if the pane does not scroll. */
function bringIntoSight(element, pane) {
  if (!element) return;
  const inner = element.getBoundingClientRect();
  const isWhole = pane.scrollHeight <= pane.clientHeight;
  const [top, bottom] = isWhole ? [0, innerHeight] : [pane.getBoundingClientRect().top, pane.getBoundingClientRect().bottom];
  if (inner.top >= top + 40 && inner.bottom <= bottom - 10) return;
  const by = inner.top - top - Math.max(40, (bottom - top - inner.height) / 2);
  (isWhole ? window : pane).scrollBy({ top: by, behavior: "instant" });
}
