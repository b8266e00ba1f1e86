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
  const headlines = values.filter(({ name }) => HEADLINES.includes(name));
  const others = values.filter(({ name }) => !HEADLINES.includes(name));
  return [...headlines, ...others];
}

/** The task of a path: "dosing" of "dosing[0].amounts". */
function nameTask(path) {
  return path.match(/^\w+/)[0];
}

/** The items of a task, without those in the card of another item, to which they belong. */
function listItems(items, task) {
  const paths = new Set(items.map(({ path }) => path));
  return items.filter(({ path, of }) => nameTask(path) === task && !paths.has(of));
}

/**
 * Draw items, those of a group together. ``drawGroup(path, drawn)`` gets the path of a group and what is drawn of its items.
 * The ``groups`` of an item are the paths of the groups around it, the outermost first.
 */
function drawNested(items, draw, drawGroup, depth = 0) {
  const drawn = [];
  for (const [path, inner] of Map.groupBy(items, (item) => item.groups[depth] ?? item.path)) {
    const isGroup = Boolean(inner[0].groups[depth]);
    drawn.push(isGroup ? drawGroup(path, drawNested(inner, draw, drawGroup, depth + 1)) : draw(inner[0]));
  }
  return drawn;
}

/** The title of a task, with the number of its items. */
function makeTitle(tag, task, items) {
  const [title, start, singular, plural] = TITLES[task];
  const listed = items.filter(({ path, of, state }) => path.startsWith(start) && !of && state !== "rejected");
  return make(tag, {}, title, " ", make("span", { class: "dim" }, count(listed.length, singular, plural)));
}

/** For each span the values that quote it, each with its item; the item's own words first. */
function listOwners({ items, spans }) {
  const owners = spans.map(() => []);
  for (const item of items) {
    for (const value of headlinesFirst(item.values)) {
      for (const span of value.spans) owners[span].push({ item, value });
    }
  }
  return owners;
}
