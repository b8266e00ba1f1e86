// The items of a record: what they are called, and the order of their values.

/** By task, the last the user's own fields: title, start of the paths of its items, and their noun. */
const TITLES = {
  eligibility: ["Eligibility", "eligibility.criteria[", "criterion", "criteria"],
  dosing: ["Dosing", "dosing[", "regimen", "regimens"],
  endpoints: ["Endpoints", "endpoints[", "endpoint", "endpoints"],
  custom: ["Your own fields", "custom.", "value", "values"],
};
const TASKS = Object.keys(TITLES);
const HEADLINES = ["quote", "measure", "agent"];

/** Keep the order, but put the item's own words first. */
function headlinesFirst(values) {
  return values.toSorted((one, other) => HEADLINES.includes(other.name) - HEADLINES.includes(one.name));
}

function nameTask(path) {
  return path.match(/^\w+/)[0];
}

/** The items of a task, without those in the card of another item, to which they belong. */
function listItems(items, task) {
  const known = new Set(items.map(({ path }) => path));
  return items.filter(({ path, of }) => nameTask(path) === task && !known.has(of));
}

/** Draw items, those of a group together: ``drawGroup(path, drawn)`` gets the path of a group and what is drawn of its items. */
function drawNested(items, draw, drawGroup, depth = 0) {
  const parts = Map.groupBy(items, ({ path, groups }) => groups[depth] ?? path);
  return [...parts].map(([path, inner]) => (
    inner[0].groups[depth] ? drawGroup(path, drawNested(inner, draw, drawGroup, depth + 1)) : draw(inner[0])));
}

/** The title of a task, with the number of its items. */
function makeTitle(tag, task, items) {
  const [title, start, one, many] = TITLES[task];
  const listed = items.filter(({ path, of, state }) => path.startsWith(start) && !of && state !== "rejected").length;
  return make(tag, {}, title, " ", make("span", { class: "dim" }, count(listed, one, many)));
}

/** For each span the values that quote it, each with its item; the item's own words first. */
function listOwners({ items, spans }) {
  const owners = spans.map(() => []);
  for (const item of items) {
    for (const value of headlinesFirst(item.values)) for (const span of value.spans) owners[span].push({ item, value });
  }
  return owners;
}
