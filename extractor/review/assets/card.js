// An item's card: two lines when closed, its form when open, with the cards of what the user's own fields say of it.

import { makeForm } from "./form.js";
import { describeDoubts, listFields, makeChip, nameItem, NOUNS, STATES, summarise, summariseOwn } from "./summary.js";
import { scrollToMark } from "./text.js";

export const CERTAIN = 0.95;

/** The card of an item of a record's view. */
export function makeCard(view, item) {
  const own = view.listOwn(item);
  const isOpened = [item, ...own].some(({ id }) => id === view.current);
  const flaws = view.record.flaws.filter((flaw) => flaw.item === item.id);
  const name = nameItem(item);
  const states = `card ${item.state}${item.predicted ? "" : " added"}${isOpened ? " opened" : ""}`;
  const head = make("h3", {}, makeHead(view, item, own, flaws, isOpened));
  // The name and the buttons stay visible while the form scrolls under them.
  const top = () => make("div", { class: "card-top" }, head, makeButtons(view, item));
  const body = isOpened ? [top(), makeItemForm(view, item, flaws), ...own.map((one) => makeCard(view, one))] : head;
  return make("article", { class: states, "aria-label": name, "data-id": item.id }, body);
}

function makeHead(view, item, own, flaws, isOpened) {
  const { words, values } = summarise(item);
  const tags = [...values, ...own.map(summariseOwn)].filter(Boolean).map((value) => make("span", { class: "tag" }, value));
  const head = make("button", { type: "button", class: "head", id: `head|${item.id}`, "aria-expanded": String(isOpened) },
    make("span", { class: "line" },
      make("span", { class: "name" }, nameItem(item)),
      makeChip(item.state, STATES[item.state]),
      makeDoubt(item),
      flaws.length ? makeChip("wrong", flaws.every((flaw) => flaw.warns) ? "to check" : "to mend") : null),
    isOpened ? null : [make("span", { class: "words" }, words || ""), make("span", { class: "values" }, tags)]);
  head.addEventListener("click", () => view.choose(isOpened ? view.findHost(item)?.id ?? null : item.id));
  return head;
}

/** The confidence of an undecided item, and its doubtful fields. */
function makeDoubt(item) {
  if (item.state !== "open") return null;
  if (!item.predicted) {
    const fields = Object.keys(item.doubts).map(toWords).join(", ");
    if (!fields) return null;
    return make("span", { class: "doubt", title: "the rules read the words that were selected" }, `${fields} guessed`);
  }
  if (item.confidence === null || item.confidence >= CERTAIN) return null;
  const title = "how sure the extraction is of its least sure field";
  return make("span", { class: "doubt", title }, describeDoubts(item, isChanged(item)));
}

function makeButtons(view, item) {
  const button = (words, key, act, name = "") => {
    const made = make("button", { type: "button", class: name, id: `${words}|${item.id}`, title: key && `key ${key}` }, words);
    made.addEventListener("click", () => {
      view.current = item.id;  // that of a card within may be open, too
      act();
    });
    return made;
  };
  const isRejected = item.state === "rejected";
  const isOpenLeft = view.record.items.some((one) => one.state === "open");
  return make("div", { class: "decide" },
    item.state === "open" ? makeAccept(view, item) : null,
    item.state !== "open" && isOpenLeft ? button("Next to decide", "n", () => view.goToOpen(), "primary") : null,
    isRejected || item.kind === "people" ? null : button("Reject", "x", () => view.decide("reject")),
    isRejected || item.state === "corrected" || isChanged(item) ? button("Restore", isRejected ? "x" : null, () => view.decide("restore")) : null);
}

/** The button that accepts a whole item, including doubtful and empty fields. */
function makeAccept(view, item) {
  const title = "Accept every field as it stands, empty ones too (key a; Ctrl+Enter while a field has the focus)";
  const made = make("button", { type: "button", class: "primary", id: `accept|${item.id}`, title }, `Accept ${NOUNS[item.kind]}`);
  made.addEventListener("click", () => {
    view.current = item.id;
    view.accept();
  });
  return made;
}

/** Whether an undecided item was changed. */
function isChanged({ state, predicted, value }) {
  return state === "open" && predicted !== null && JSON.stringify(predicted) !== JSON.stringify(value);
}

function makeItemForm(view, item, flaws) {
  const context = {
    flaws,
    sections: view.record.sections.map(({ name }) => name),
    isChanged: (field) => JSON.stringify(item.predicted[field] ?? null) !== JSON.stringify(item.value[field] ?? null),
    save: (path, value) => view.set(item.id, path, value),
  };
  const form = makeForm(item, listFields(view.form, item), context);
  form.addEventListener("focusin", (event) => {
    const field = event.target.closest("[data-field]")?.dataset.field;
    if (field) scrollToMark(view.text, field);
  });
  return form;
}

/** The audit's findings, with quotes that link into the text; null if there are none. */
export function makeFindings(view) {
  const { findings } = view.record;
  if (findings.length === 0) return null;
  const rows = findings.map(({ severity, message, citations }) => make("li", {},
    makeChip(severity, severity), ` ${message} `,
    citations.map(({ quote, place }) => (place ? makeCitation(view, quote, place) : make("q", {}, quote)))));
  const title = `${findings.length} finding${findings.length === 1 ? "" : "s"} to keep in mind`;
  const note = make("p", { class: "dim" }, "Faults of the record itself: they need no addition or correction here.");
  return make("details", { class: "findings" }, make("summary", {}, title), note, make("ul", {}, rows));
}

function makeCitation(view, quote, place) {
  const button = make("button", { type: "button", class: "cite" }, `“${quote.length > 70 ? `${quote.slice(0, 69)}…` : quote}”`);
  button.addEventListener("click", () => {
    view.showPane("text");
    view.select(...place);
  });
  return button;
}
