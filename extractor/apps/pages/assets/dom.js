"use strict";

// Elements and words. All text becomes text nodes: data is never parsed as markup.

/** An element with attributes and children. Strings become text; null, undefined and false are left out. */
function make(tag, attributes = {}, ...children) {
  const isGiven = (value) => value !== null && value !== undefined && value !== false;
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (!isGiven(value)) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(isGiven));
  return element;
}

/** A kind or a key as words. */
function toWords(name) {
  return LABELS.get(name) ?? name.replaceAll("_", " ");
}

/** A confidence as readers see it on every page, rounded down so that 0.849 is no "85 %": "84 %". */
function toPercent(confidence) {
  return `${Math.floor(Number((100 * confidence).toFixed(6)))} %`;
}

/** A number with its noun: "1 regimen", "1,200 criteria". */
function count(number, singular, plural = `${singular}s`) {
  const noun = number === 1 ? singular : plural;
  return `${number.toLocaleString("en")} ${noun}`;
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

/**
 * Scroll an element or a range into the sight of its scrolling pane, or of the window if the pane does not scroll.
 * So many pixels at the top of the pane are ``covered``.
 */
function bringIntoSight(element, pane, covered = 40) {
  if (!element) return;
  const inner = element.getBoundingClientRect();
  const doesPaneScroll = pane.scrollHeight > pane.clientHeight;
  const outer = doesPaneScroll ? pane.getBoundingClientRect() : { top: 0, bottom: innerHeight };
  const isInSight = inner.top >= outer.top + covered && inner.bottom <= outer.bottom - 10;
  if (isInSight) return;
  // To the middle; of what is higher than the pane, the beginning is shown.
  const above = Math.max(covered, (outer.bottom - outer.top - inner.height) / 2);
  const scrolling = doesPaneScroll ? pane : window;
  scrolling.scrollBy({ top: inner.top - outer.top - above, behavior: "instant" });
}
