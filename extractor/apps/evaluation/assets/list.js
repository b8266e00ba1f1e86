// The page's state, kept in the address: "#kind=missed&field=dosing&error=0a1b2c3d4e", and the list that it filters.

const NAMES = ["kind", "field", "record", "text", "sort", "error"];
const FILTERS = ["kind", "field", "record", "text", "sort"];

/** What the two sides are called: long, short, in the colours' key, and where a side says nothing. */
const SIDES = {
  gold: { title: "Gold", short: "gold", quoted: "quoted by gold", spoken: "gold", absent: "not in gold", who: "Gold" },
  predicted: { title: "Predicted by the run", short: "run", quoted: "quoted by the run", spoken: "predicted", absent: "not predicted", who: "The prediction" },
};
/** What an entry of the list is. */
let ENTRY = "error";

/** Call both sides by the names of two annotators, of whom neither is right or wrong. */
function nameSides(names) {
  ENTRY = "difference";
  for (const [side, name] of Object.entries(names)) {
    SIDES[side] = { title: name, short: name, quoted: `quoted by ${name}`, spoken: name, absent: `not in ${name}`, who: name };
  }
}

/** The state in an address's hash; null if it names a section of the page instead. */
function readState(hash) {
  const state = readQuery(NAMES, hash.slice(1));
  return hash.length > 1 && Object.keys(state).length === 0 ? null : state;
}

/** The hash of a state, without empty values. */
function writeState(state) {
  const stated = NAMES.filter((name) => state[name]);
  return `#${new URLSearchParams(stated.map((name) => [name, state[name]]))}`;
}

/** The state of the filters. */
function readFilters(form, state) {
  const next = { ...state, error: undefined };
  for (const name of FILTERS) next[name] = form[name].value;
  return next;
}

/** The errors that pass a state's filters, in its order. */
function selectErrors(errors, state) {
  const words = splitWords(state.text);
  const record = (state.record || "").toLowerCase();
  const found = errors.filter(
    (error) =>
      (!state.kind || error.kind === state.kind) &&
      (!state.field || nameField(error.field).includes(`${state.field.includes(".") ? "field" : "task"} ${state.field}`)) &&
      (!record || error.record.toLowerCase().includes(record)) &&
      words.every((word) => error.words.includes(word)),
  );
  const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
  if (state.sort) found.sort((one, other) => compare(one[state.sort], other[state.sort]) || other.harm - one.harm);
  return found;
}

/** The members of a side's value on one line. */
function sayAll({ said }) {
  return said.join(" + ") || "nothing";
}

/** The item of an error in words, with its number and its quote, unless a value says the quote already. */
function nameItem(error, shorten) {
  const { quote, path } = error.gold.path ? error.gold : error.predicted;
  const parts = [];
  const place = path ? sayPath(path) : "";
  if (place) parts.push(place);
  const isSaid = [error.gold, error.predicted].some(({ said }) => said[0] === quote);
  if (quote && !isSaid) parts.push(`“${shorten(quote)}”`);
  return parts;
}

const ITEM_NAMES = { "eligibility.criteria": "Criterion", dosing: "Regimen", endpoints: "Endpoint" };

/** A path in words: "eligibility.criteria[11].category" is "Criterion 12, category"; a path that is of no item as it is. */
function sayPath(path) {
  const place = /^([a-z_.]+)\[(\d+)\](?:\.(.+))?$/.exec(path);
  if (!place || !ITEM_NAMES[place[1]]) return path.replace(/^eligibility\.?/, "").replaceAll("_", " ");
  const item = `${ITEM_NAMES[place[1]]} ${Number(place[2]) + 1}`;
  return place[3] ? `${item}, ${place[3].replaceAll("_", " ")}` : item;
}

/** The link of an error in the list. */
function makeRow(error, state) {
  const span = (name, ...children) => make("span", { class: name }, ...children);
  const shorten = (text) => (text.length > 90 ? `${text.slice(0, 89)}…` : text);
  // What is wider than the row is cut, and shown whole under the pointer.
  const line = (side, name) => make("span", { class: `${side}-line`, title: sayAll(error[side]) }, span("side-name", name), " ", shorten(sayAll(error[side])));
  return make(
    "a",
    { href: writeState({ ...state, error: error.id }) },
    span("row-head", span("kind", toWords(error.kind)), make("span", { class: "field", title: error.field }, error.field), error.harm !== null && span("harm", `harm ${error.harm}`)),
    span("row-values", line("gold", SIDES.gold.short), line("predicted", SIDES.predicted.short)),
    span("row-record", [error.record, ...nameItem(error, shorten)].join(" · ")),
  );
}
