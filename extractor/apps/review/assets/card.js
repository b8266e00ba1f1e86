// An item's card: two lines when closed, its form when open, with the cards of what the user's own fields say of it.

const CERTAIN = 0.95;
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
  const isOwn = path.startsWith("custom.");
  const told = values.filter(({ name, said }) => isOwn || !(SAID.has(name) || (name === "censored" && said === "no")));
  return told.map(({ name, label, said }) => (!isOwn && LABELLED.has(name) ? `${label}: ${said}` : said));
}

/** The card of an item of a record's view. */
function makeCard(view, item) {
  const own = view.listOwn(item);
  const isOpened = [item, ...own].some(({ path }) => path === view.current);
  const flaws = view.record.flaws.filter((flaw) => flaw.item === item.path);
  const states = `card ${item.state}${item.predicted ? "" : " added"}${isOpened ? " opened" : ""}`;
  const head = make("h3", {}, makeHead(view, item, own, flaws, isOpened));
  // The name and the buttons stay visible while the form scrolls under them.
  const top = () => make("div", { class: "card-top" }, head, makeButtons(view, item));
  const body = isOpened ? [top(), makeItemForm(view, item, flaws), ...own.map((one) => makeCard(view, one))] : head;
  return make("article", { class: states, "aria-label": item.name, "data-path": item.path }, body);
}

function makeHead(view, item, own, flaws, isOpened) {
  const said = own.filter(({ state }) => state !== "rejected").map((one) => `${toWords(one.group.slice("custom.".length))}: ${listTags(one).join(", ")}`);
  const tags = listTags(item);
  if (item.path === "eligibility" && !tags.length) tags.push("nothing stated");
  const words = item.values.find(({ name }) => name === "agent") || headlinesFirst(item.values)[0];
  const head = make("button", { type: "button", class: "head", id: `head|${item.path}`, "aria-expanded": String(isOpened) },
    make("span", { class: "line" },
      make("span", { class: "name" }, item.name),
      makeChip(item.state, item.state === "open" ? "to decide" : item.state),
      makeDoubt(item),
      flaws.length ? makeChip("wrong", flaws.every((flaw) => flaw.warns) ? "to check" : "to mend") : null),
    isOpened ? null : [make("span", { class: "words" }, HEADLINES.includes(words?.name) ? words.said : ""), make("span", { class: "values" }, [...tags, ...said].map((value) => make("span", { class: "tag" }, value)))]);
  head.addEventListener("click", () => view.choose(isOpened ? view.findHost(item)?.path ?? null : item.path));
  return head;
}

/** The confidence of an undecided item, and its doubtful fields. */
function makeDoubt(item) {
  const isSure = item.predicted ? item.confidence === null || item.confidence >= CERTAIN : !Object.keys(item.doubts).length;
  if (item.state !== "open" || isSure) return null;
  if (item.predicted) return make("span", { class: "doubt", title: "how sure the extraction is of its least sure field" }, describeDoubts(item));
  const fields = Object.keys(item.doubts).map(toWords).join(", ");
  return make("span", { class: "doubt", title: "the rules read the words that were selected" }, `${fields} guessed`);
}

/** Sort names of fields into those with a value and those without. */
function splitEmpty(item, names) {
  const isEmpty = (name) => item.value[name] === null || item.value[name] === undefined || item.value[name].length === 0;
  return [names.filter((name) => !isEmpty(name)), names.filter(isEmpty)];
}

/** Describe a doubt about empty fields: "that no specimen is stated". */
function tellNone(item, names) {
  const nouns = names.map((name) => (Array.isArray(item.value[name]) ? toWords(name).replace(/s$/, "") : toWords(name)));
  return `that no ${nouns.join(" or ")} is stated`;
}

/** Describe the confidence of one field: "84 % sure that no specimen is stated". */
function describeDoubt(item, name) {
  const sure = item.doubts[name];
  if (!sure) return sure === null ? "guessed" : "not read";
  const [stated] = splitEmpty(item, [name]);
  return `${Math.round(100 * sure)} % sure${stated.length ? "" : ` ${tellNone(item, [name])}`}`;
}

/** Describe the confidence of an item, and its uncertain fields. */
function describeDoubts(item) {
  const names = Object.keys(item.doubts).filter((name) => item.doubts[name] !== 0);
  const unread = Object.keys(item.doubts).filter((name) => item.doubts[name] === 0).map(toWords);
  const [stated, empty] = splitEmpty(item, names);
  const of = [stated.length && `of ${stated.map(toWords).join(", ")}`, empty.length && tellNone(item, empty)].filter(Boolean);
  const sure = names.length && (isChanged(item) || unread.length) ? Math.min(...names.map((name) => item.doubts[name])) : item.confidence;
  const known = (names.length || !unread.length) && `${Math.round(100 * sure)} % sure ${of.join(" and ")}`.trim();
  return [known, unread.length && `not read: ${unread.join(", ")}`].filter(Boolean).join("; ");
}

function makeButtons(view, item) {
  const button = (words, act, title, name = "", id = words) => {
    const made = make("button", { type: "button", class: name, id: `${id}|${item.path}`, title }, words);
    made.addEventListener("click", () => {
      view.current = item.path;  // that of a card within may be open, too
      act();
    });
    return made;
  };
  const isRejected = item.state === "rejected";
  const isOpenLeft = view.record.items.some((one) => one.state === "open");
  const whole = "Accept every field as it stands, empty ones too (key a; Ctrl+Enter while a field has the focus)";
  const noun = item.path === "eligibility" ? "facts" : TITLES[nameTask(item.path)][2];
  return make("div", { class: "decide" },
    item.state === "open" ? button(`Accept ${noun}`, () => view.accept(), whole, "primary", "accept") : null,
    item.state !== "open" && isOpenLeft ? button("Next to decide", () => view.goToOpen(), "key n", "primary") : null,
    isRejected || item.path === "eligibility" ? null : button("Reject", () => view.decide("reject"), "key x"),
    isRejected || item.state === "corrected" || isChanged(item) ? button("Restore", () => view.decide("restore"), isRejected && "key x") : null);
}

/** Whether an undecided item was changed. */
function isChanged({ state, before }) {
  return state === "open" && Object.keys(before).length > 0;
}

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
    const button = make("button", { type: "button", class: "cite" }, `“${quote.length > 70 ? `${quote.slice(0, 69)}…` : quote}”`);
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
