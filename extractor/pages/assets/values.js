"use strict";

// Elements and values. All text becomes text nodes: data is never parsed as markup.

/** An element with attributes and children. Strings become text; null and false are left out. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== false));
  return element;
}

/** A kind or a key as words. */
function toWords(name) {
  return LABELS.get(name) ?? name.replaceAll("_", " ");
}

/** A value on one line, for lists and for the search. */
function toLine(value) {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return value.map(toLine).join(" + ");
  if (typeof value === "object" && "high" in value) return toDose(value);
  if (typeof value === "object") return listParts(value).map(([, part]) => toLine(part)).join(" ");
  return typeof value === "number" ? toNumber(value) : String(value);
}

/** A dose level: one number, a range, or a bound. */
function toDose({ low, high, unit }) {
  const [least, most] = [low, high].map((number) => (number === null ? null : toNumber(number)));
  if (low === high) return `${most} ${unit}`;
  if (least === null) return `up to ${most} ${unit}`;
  return most === null ? `from ${least} ${unit}` : `${least} to ${most} ${unit}`;
}

/** A number with thousands separators: 75,000,000,000. */
function toNumber(value) {
  return Math.abs(value) < 10000 ? String(value) : value.toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/** The stated parts of a value such as an amount, in the order of the guideline. */
function listParts(value) {
  const order = ["quantity", "comparator", "low", "value", "high", "value_high", "unit", "name", "version", "quote"];
  const rank = (name) => (order.indexOf(name) + 1 || order.length + 1);
  return Object.entries(value)
    .filter(([, part]) => part !== null && part !== false)
    .sort(([one], [other]) => rank(one) - rank(other) || (one < other ? -1 : 1));
}

/** A text cut at the ends of its marks and at ``starts``; ``makeMark`` makes the pieces with marks over them, ``makeStart`` what stands before a start. */
function markText(text, marks, makeMark, starts = [], makeStart = null) {
  const cuts = [...new Set([0, text.length, ...starts, ...marks.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  const starting = Map.groupBy(marks, ({ start }) => start);
  let over = [];
  return cuts.slice(1).flatMap((end, place) => {
    const start = cuts[place];
    over = over.concat(starting.get(start) || []).filter((mark) => mark.end > start);
    const words = text.slice(start, end);
    const piece = over.length ? makeMark(words, over) : words;
    return starts.includes(start) ? [makeStart(starts.indexOf(start)), piece] : [piece];
  });
}

/** A value in full. */
function showValue(value) {
  if (value === null) return make("p", { class: "nothing" }, "nothing");
  if (Array.isArray(value)) {
    const parts = value.map((part) => make("li", {}, showValue(part)));
    return make("ul", { class: "values" }, parts);
  }
  if (typeof value === "object" && !("high" in value)) {
    const parts = listParts(value).map(([name, part]) => [make("dt", {}, toWords(name)), make("dd", {}, toLine(part))]);
    return make("dl", { class: "parts" }, parts);
  }
  return make("p", { class: "value" }, toLine(value));
}
