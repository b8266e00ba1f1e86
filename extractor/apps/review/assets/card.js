// An item's card: two lines when closed, its form when open, with the cards of what the user's own fields say of it.

const CERTAIN = 0.95;
/** The name of a doubt that is of no field. */
const WHOLE = "item";
const SAID = new Set(["quote", "agent", "measure", "lead_in", "description", "time_frame", "kind"]);
/** Fields whose values say too little without their label. */
const LABELLED = new Set(["minimum_age", "maximum_age", "sex", "healthy_volunteers", "cycle", "duration", "start_event", "end_events", "censored", "arms"]);
const TONES = { finished: "good", accepted: "good", corrected: "own", added: "own", changed: "own", begun: "own", broken: "bad", rejected: "bad", wrong: "bad", error: "bad", warning: "doubtful" };

/** A state or a severity in words, in its colour. */
function makeChip(state, words) {
  return make("span", { class: `chip ${TONES[state] ?? ""}` }, words);
}

/** The fields of an item's form. A user's own field that this run does not declare has none. */
function listFields(form, { group }) {
  return form[group] || [];
}

/** The values of an item, without those that its name and its words tell. */
function listTags({ path, values }) {
  if (path.startsWith("custom.")) return values.map(({ said }) => said);
  const tags = [];
  for (const { name, label, said } of values) {
    const isUsual = name === "censored" && said === "no";
    if (SAID.has(name) || isUsual) continue;
    tags.push(LABELLED.has(name) ? `${label}: ${said}` : said);
  }
  return tags;
}

/** The card of an item of a record's view. */
function makeCard(view, item) {
  const own = view.listOwn(item);
  const isOpened = [item, ...own].some(({ path }) => path === view.current);
  const flaws = view.record.flaws.filter((flaw) => flaw.item === item.path);
  const classes = ["card", item.state];
  if (!item.predicted) classes.push("added");
  if (isOpened) classes.push("opened");
  const attributes = { class: classes.join(" "), "aria-label": item.name, "data-path": item.path };
  const head = make("h3", {}, makeHead(view, item, own, flaws, isOpened));
  if (!isOpened) return make("article", attributes, head);
  return make("article", attributes,
    // The name and the buttons stay visible while the form scrolls under them.
    make("div", { class: "card-top" }, head, makeButtons(view, item)),
    makeItemForm(view, item, flaws),
    own.map((ofItem) => makeCard(view, ofItem)));
}

/** The head of a card: the name and the state of the item, and of a closed card its words and values. */
function makeHead(view, item, own, flaws, isOpened) {
  const flawWords = flaws.every((flaw) => flaw.warns) ? "to check" : "to mend";
  const line = make("span", { class: "line" },
    make("span", { class: "name" }, item.name),
    makeListNumber(view, item),
    makeChip(item.state, item.state === "open" ? "to decide" : item.state),
    makeDoubt(item),
    tellVariants(item),
    flaws.length > 0 && makeChip("wrong", flawWords));
  const attributes = { type: "button", class: "head", id: `head|${item.path}`, "aria-expanded": String(isOpened) };
  const head = make("button", attributes, line, !isOpened && makeSummary(item, own));
  head.addEventListener("click", () => {
    // A card within a card leaves that one open.
    const shownNext = isOpened ? view.findHost(item)?.path ?? null : item.path;
    view.choose(shownNext);
  });
  return head;
}

/** The number of an exclusion within its own list, since names count the criteria of both lists; else null. */
function makeListNumber({ record }, item) {
  if (item.group !== "eligibility.criteria" || item.value.kind !== "exclusion" || !item.predicted) return null;
  const exclusions = record.items.filter(({ group, value }) => group === item.group && value.kind === "exclusion");
  if (exclusions.length === record.items.filter(({ group }) => group === item.group).length) return null;
  const title = "The name counts the criteria of both lists together; this number counts the exclusions alone. Sub-items and added criteria count, too.";
  return make("span", { class: "dim in-list", title }, `no. ${exclusions.indexOf(item) + 1} of the exclusions`);
}

/** In which fields the other annotator says the same in other words; null if in none. */
function tellVariants({ others }) {
  const variants = Object.entries(others).filter(([, { is_same }]) => is_same);
  if (variants.length === 0) return null;
  const title = "Counted as agreement: the same in other words, another unit or another name";
  const names = variants.map(([name]) => toWords(name));
  return make("span", { class: "dim in-list", title }, `other words in ${variants[0][1].by}: ${names.join(", ")}`);
}

/** The words and the values of an item, with what the user's own fields say of it. */
function makeSummary(item, own) {
  const headline = item.values.find(({ name }) => name === "agent") || headlinesFirst(item.values)[0];
  const words = HEADLINES.includes(headline?.name) ? headline.said : "";
  const tags = listTags(item);
  if (item.path === "eligibility" && tags.length === 0) tags.push("nothing stated");
  for (const ofItem of own) {
    if (ofItem.state === "rejected") continue;
    const field = toWords(ofItem.group.slice("custom.".length));
    tags.push(`${field}: ${listTags(ofItem).join(", ")}`);
  }
  return [
    make("span", { class: "words" }, words),
    make("span", { class: "values" }, tags.map((tag) => make("span", { class: "tag" }, tag))),
  ];
}

/** The confidence of an undecided item, and its doubtful fields; null if nothing is in doubt. */
function makeDoubt(item) {
  if (item.state !== "open") return null;
  if (item.left.length > 0) return makeLeft(`to check: the page was left while ${item.left.map(toWords).join(", ")} was typed`);
  if (item.unsettled.length > 0) {
    const words = item.others[WHOLE]?.said ?? `differ in: ${item.unsettled.map(toWords).join(", ")}`;
    return make("span", { class: "doubt", title: "where the two annotators differ" }, words);
  }
  if (item.predicted) {
    if (Object.keys(item.doubts).length === 0) return null;
    return make("span", { class: "doubt", title: "how sure the extraction is of the field that it is least sure of" }, describeDoubts(item));
  }
  const fields = Object.keys(item.doubts);
  if (fields.length === 0) return null;
  return make("span", { class: "doubt", title: "the rules read the words that were selected" }, `${fields.map(toWords).join(", ")} guessed`);
}

/** Whether a field of an item has no value. */
function isEmpty(item, name) {
  const value = item.value[name];
  return value === null || value === undefined || value.length === 0;
}

/** Describe a doubt about empty fields: "that no specimen is stated". */
function tellNone(item, names) {
  const nouns = names.map((name) => {
    const isMany = Array.isArray(item.value[name]);
    return isMany ? toWords(name).replace(/s$/, "") : toWords(name);
  });
  return `that no ${nouns.join(" or ")} is stated`;
}

/** Describe the confidence of one field: "84 % sure that no specimen is stated". */
function describeDoubt(item, name) {
  const confidence = item.doubts[name];
  if (confidence === null) return "guessed";
  if (!confidence) return "not read";
  const sure = `${toPercent(confidence)} sure`;
  return isEmpty(item, name) ? `${sure} ${tellNone(item, [name])}` : sure;
}

/** Describe the doubts of an item, the greatest first: "84 % sure of kind; also in doubt: route; not read: value". */
function describeDoubts(item) {
  const doubts = Object.entries(item.doubts).sort(([, one], [, other]) => one - other);
  const unread = doubts.filter(([, confidence]) => confidence === 0).map(([name]) => name);
  const [least, ...others] = doubts.filter(([, confidence]) => confidence !== 0).map(([name]) => name);
  const parts = [];
  if (least) parts.push(describeLeast(item, least));
  if (others.length > 0) parts.push(`also in doubt: ${others.map(toWords).join(", ")}`);
  if (unread.length > 0) parts.push(`not read: ${unread.map(toWords).join(", ")}`);
  return parts.join("; ");
}

/** Describe the greatest doubt of an item: of a field, or that the item may be wrong as a whole. */
function describeLeast(item, name) {
  if (name === WHOLE) return `${toPercent(item.doubts[name])} sure of the item as a whole`;
  const doubt = describeDoubt(item, name);
  return isEmpty(item, name) ? doubt : `${doubt} of ${toWords(name)}`;
}

/** The buttons that decide on an item. */
function makeButtons(view, item) {
  const makeButton = (words, act, { title, name = "", id = words }) => {
    const button = make("button", { type: "button", class: name, id: `${id}|${item.path}`, title }, words);
    button.addEventListener("click", () => {
      view.current = item.path;  // that of a card within may be open, too
      act();
    });
    return button;
  };
  const isOpen = item.state === "open";
  const isRejected = item.state === "rejected";
  const isOfRecord = item.path === "eligibility";
  const buttons = [];
  if (isOpen) {
    const noun = isOfRecord ? "these values" : TITLES[nameTask(item.path)][2];
    const title = "Accept every field as it stands, empty ones too (key a; Ctrl+Enter while a field has the focus)";
    buttons.push(makeButton(`Accept ${noun}`, () => view.accept(), { title, name: "primary", id: "accept" }));
  } else if (view.record.items.some(({ state }) => state === "open")) {
    buttons.push(makeButton("Next to decide", () => view.goToOpen(), { title: "key n", name: "primary" }));
  }
  if (!isRejected && !isOfRecord) buttons.push(makeButton("Reject", () => view.decide("reject"), { title: "key x" }));
  if (isRejected || item.state === "corrected" || isChanged(item)) {
    const words = isRejected ? "Take rejection back" : "Restore values";
    const title = isRejected ? "The item is there again, as it was extracted (key x)" : "Give each field the value that it had before the review";
    buttons.push(makeButton(words, () => view.decide("restore"), { title, id: "restore" }));
  }
  return make("div", { class: "decide" }, buttons);
}

/** Whether an undecided item was changed. */
function isChanged({ state, before }) {
  return state === "open" && Object.keys(before).length > 0;
}

/** The form of an item, which saves each field as it changes, and shows its words in the text. */
function makeItemForm(view, item, flaws) {
  const { choices } = view.record;
  const form = makeForm(item, listFields(view.form, item), { flaws, choices, save: (path, value) => view.set(item.path, path, value) });
  form.addEventListener("focusin", (event) => {
    const field = event.target.closest("[data-field]")?.dataset.field;
    if (field) view.seekMark(field);
  });
  return form;
}

/** The audit's findings, with quotes that link into the text; null if there are none. */
function makeFindings(view) {
  const { findings } = view.record;
  if (findings.length === 0) return null;
  const cite = ([, quote, span]) => {
    if (span === null) return make("q", {}, quote);
    const shortened = quote.length > 70 ? `${quote.slice(0, 69)}…` : quote;
    const button = make("button", { type: "button", class: "cite" }, `“${shortened}”`);
    button.addEventListener("click", () => {
      view.turn("text");
      view.select(view.readSpan(span));
    });
    return button;
  };
  const rows = findings.map(({ severity, message, quotes }) => make("li", {}, makeChip(severity, severity), ` ${message} `, quotes.map(cite)));
  const note = make("p", { class: "dim" }, "Faults of the record itself: they need no addition or correction here.");
  return make("details", { class: "findings" }, make("summary", {}, `${count(findings.length, "finding")} to keep in mind`), note, make("ul", {}, rows));
}
