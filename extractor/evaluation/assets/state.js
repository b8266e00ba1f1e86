// The page's state, kept in the address: "#kind=missed&field=dosing&error=0a1b2c3d4e". Every view is a link.

const NAMES = ["kind", "field", "record", "text", "gold", "predicted", "sort", "error"];

/** The state in an address's hash; null if it names a section of the page instead. */
function readState(hash) {
  const given = new URLSearchParams(hash.slice(1));
  const state = {};
  for (const name of NAMES) {
    if (given.has(name)) state[name] = given.get(name);
  }
  return hash.length > 1 && Object.keys(state).length === 0 ? null : state;
}

/** The hash of a state. It omits empty values, except an empty choice of gold or of the prediction. */
function writeState(state) {
  const given = new URLSearchParams();
  for (const name of NAMES) {
    const isCell = name === "gold" || name === "predicted";
    if (state[name] !== undefined && (isCell || state[name] !== "")) given.set(name, state[name]);
  }
  return "#" + given.toString();
}

/** The errors that pass a state's filters, in its order. */
function selectErrors(errors, state) {
  const words = splitWords(state.text);
  const record = (state.record || "").toLowerCase();
  const found = errors.filter(
    (error) =>
      (!state.kind || error.kind === state.kind) &&
      (!state.field || error.field === state.field || isTaskOf(state.field, error.field)) &&
      (!record || error.record.toLowerCase().includes(record)) &&
      isInCell(error, state) &&
      words.every((word) => error.words.includes(word)),
  );
  if (state.sort) found.sort((one, other) => compare(one[state.sort], other[state.sort]) || other.harm - one.harm);
  return found;
}

function isTaskOf(name, field) {
  return !name.includes(".") && field.startsWith(name + ".");
}

/** Whether an error belongs to a cell of a confusion matrix: the given choices, in two paired items. */
function isInCell(error, state) {
  if (state.gold === undefined && state.predicted === undefined) return true;
  const isPair = error.gold.path !== null && error.predicted.path !== null;
  const isChoice = (side) => state[side] === undefined || state[side] === nameChoice(error[side].value);
  return isPair && isChoice("gold") && isChoice("predicted");
}

function nameChoice(value) {
  return value === null ? "" : String(value);
}

function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
