// Summaries of items in a line or two.

export const GROUPS = { people: "Who may take part", criterion: "Criteria", regimen: "Doses", endpoint: "Outcomes", custom: "Your own fields" };

/** The name of each kind on a button. */
export const NOUNS = { people: "facts", criterion: "criterion", regimen: "dose", endpoint: "outcome", custom: "value" };

/** The state of an item, in words. */
export const STATES = { open: "to decide", accepted: "accepted", corrected: "corrected", added: "added", rejected: "rejected" };

const TONES = { finished: "good", accepted: "good", corrected: "own", added: "own", changed: "own", begun: "own", rejected: "bad", wrong: "bad", error: "bad", warning: "doubtful" };

/** A state or a severity in words, in its colour. */
export function makeChip(state, words) {
  return make("span", { class: `chip ${TONES[state] ?? ""}` }, words);
}

/** The readable name of a section: "Primary outcome 1" for "primary_outcomes[0]". */
export function nameSection(name) {
  const [, words, number] = name.match(/^(.*?)(?:\[(\d+)\])?$/s);
  const shown = toWords(number === undefined ? words : `${words.replace(/s$/, "")} ${Number(number) + 1}`);
  return shown.charAt(0).toUpperCase() + shown.slice(1);
}

/** The fields of an item's form. A user's own field that this run does not declare has none. */
export function listFields(form, { kind, custom }) {
  return (custom ? form[`custom.${custom.field}`] : form[kind]) || [];
}

/** The name of a user's own value: its field, and the item of which it is: "assay of criterion 2". */
function nameCustom({ field, of }) {
  const [, kind, number] = of?.match(/^([a-z]+)-(?:added-)?(\d+)$/) || [];
  if (!kind) return toWords(field);
  return `${toWords(field)} of ${of.includes("-added-") ? `an added ${NOUNS[kind]}` : `${NOUNS[kind]} ${Number(number) + 1}`}`;
}

/** The name of an item, with its number in the extraction, as in the queue. */
export function nameItem(item) {
  const { value } = item;
  if (item.kind === "people") return "Who may take part";
  if (item.custom) return nameCustom(item.custom);
  if (item.kind === "endpoint") return `${value.rank} outcome ${Number(value.index) + 1}`;
  const name = item.kind === "criterion" ? `${value.kind || ""} criterion`.trim() : "dose";
  const number = item.id.match(/^[a-z]+-(\d+)$/)?.[1];
  return number === undefined ? `added ${name}` : `${name} ${Number(number) + 1}`;
}

/** An item's words, and its values as short lines. */
export function summarise(item) {
  const { value } = item;
  if (item.kind === "people") return { words: null, values: listPeople(value) };
  if (item.custom) return { words: null, values: Object.values(value).filter((one) => !isEmpty(one)).map(toLine) };
  if (item.kind === "criterion") {
    return { words: value.quote, values: [toChoice(value.category), ...list(value.constraints), toWindow(value.time_window)] };
  }
  if (item.kind === "regimen") {
    const times = ["cycle", "duration"].map((name) => value[name] && `${name} ${toLine(value[name])}`);
    const values = [toChoice(value.role), ...list(value.amounts), toChoice(value.route), value.frequency, value.timing];
    return { words: value.agent, values: [...values, ...times] };
  }
  const values = [toChoice(value.concept), toChoice(value.category), value.time_points?.length ? list(value.time_points).join(", ") : null];
  const events = [value.start_event && `from ${value.start_event}`, ...list(value.end_events).map((event) => `to ${event}`)];
  const shown = [...list(value.specimens), ...list(value.methods), value.censored && "censored"];
  return { words: value.measure, values: [...values, toChoice(value.time_kind), value.instrument && toLine(value.instrument), ...events, ...shown] };
}

/** What a user's own field says of an item, on one line. */
export function summariseOwn(item) {
  return item.state === "rejected" ? null : `${toWords(item.custom.field)}: ${summarise(item).values.join(", ")}`;
}

/** Whether a field is empty. */
function isEmpty(value) {
  return value === null || value === undefined || value.length === 0;
}

/** Describe a doubt about an empty field: "that no specimen is stated". */
function tellNone(item, names) {
  const nouns = names.map((name) => (Array.isArray(item.value[name]) ? toWords(name).replace(/s$/, "") : toWords(name)));
  return `that no ${nouns.join(" or ")} is stated`;
}

/** Describe the confidence of one field: "84 % sure that no specimen is stated". */
export function describeDoubt(item, name) {
  const sure = item.doubts[name];
  if (sure === null) return "guessed";
  if (sure === 0) return "not read";
  return `${Math.round(100 * sure)} % sure${isEmpty(item.value[name]) ? ` ${tellNone(item, [name])}` : ""}`;
}

/** Describe the confidence of an item, and its uncertain fields. */
export function describeDoubts(item, isChanged) {
  const names = Object.keys(item.doubts).filter((name) => item.doubts[name] !== 0);
  const unread = Object.keys(item.doubts).filter((name) => item.doubts[name] === 0).map(toWords);
  const [stated, empty] = [names.filter((name) => !isEmpty(item.value[name])), names.filter((name) => isEmpty(item.value[name]))];
  const of = [stated.length ? `of ${stated.map(toWords).join(", ")}` : null, empty.length ? tellNone(item, empty) : null];
  const sure = names.length && (isChanged || unread.length) ? Math.min(...names.map((name) => item.doubts[name])) : item.confidence;
  const shown = names.length || !unread.length ? [`${Math.round(100 * sure)} % sure ${of.filter(Boolean).join(" and ")}`.trim()] : [];
  return [...shown, ...(unread.length ? [`not read: ${unread.join(", ")}`] : [])].join("; ");
}

function listPeople(value) {
  const ages = ["minimum_age", "maximum_age"].map((name) => value[name] && `${toWords(name)} ${toLine(value[name])}`);
  const healthy = { true: "healthy volunteers", false: "no healthy volunteers" }[value.healthy_volunteers];
  const stated = [...ages, value.sex && `sex: ${value.sex}`, healthy].filter(Boolean);
  return stated.length ? stated : ["nothing stated"];
}

function list(values) {
  return (values || []).map(toLine);
}

function toChoice(word) {
  return word ? toWords(word) : null;
}

function toWindow(window) {
  return window && (window.value === null ? window.quote : `${window.comparator || ""} ${window.value} ${window.unit || ""}`);
}
