// The form of one item, built from the server's description of its schema.

let sequence = 0;

/** All fields of an item. ``save(path, value)`` is called when a field has changed. */
function makeForm(item, fields, context) {
  const shown = fields.filter(({ fixed }) => !(item.predicted && fixed));
  return make("div", { class: "form" }, shown.map((field) => makeField(item, field, context)));
}

/** A field with its label, its control, and notes: its help, its value before, and what is wrong with it. */
function makeField(item, field, context) {
  const { name } = field;
  const flaws = context.flaws.filter(({ path }) => path.split(/[.[]/)[0] === name);
  const notesId = `notes-${++sequence}`;
  const place = { key: `${item.path}|${name}`, label: field.label, notes: notesId, path: name, flaws };
  const save = (value) => context.save(name, value);
  const value = item.value[name] ?? null;
  const control = makeValue(field, value, item.written[name] ?? null, save, place, context);
  const isDoubted = name in item.doubts;
  const isLeft = item.left.includes(name);
  const isDoubtful = isDoubted || isLeft || item.unsettled.includes(name);
  const title = "how sure the rules are of this field";
  const head = [field.label, isDoubted && make("span", { class: "doubt", title }, describeDoubt(item, name)), isLeft && makeLeft("to check")];
  const before = item.before[name];
  const notes = make("div", { id: notesId, class: "notes" },
    // Above the help, which appears with the focus: the button must not move under the mouse.
    makeOther(item, field, save),
    make("p", { class: "help" }, field.help, explain(field, value), linkGuideline(field)),
    before && make("p", { class: "before" }, `was: ${before}`),
    flaws.map((flaw) => make("p", { class: "flaw" }, `${nameWithin(flaw.path)}${flaw.problem}; ${flaw.remedy}`)));
  const attributes = { class: isDoubtful ? "field doubtful" : "field", "data-field": name };
  const body = make("div", { class: "control" }, control, notes);
  // A label is for one control; a legend is for several.
  const isGroup = field.many || field.widget === "group";
  if (isGroup) return make("fieldset", attributes, make("legend", {}, head), body);
  return make("div", attributes, make("label", { for: place.key }, head), body);
}

/** The mark of text that was saved because the page was left in the middle of it. */
function makeLeft(words) {
  return make("span", { class: "doubt", title: "The page was closed or left while this was typed: it may be half of it" }, words);
}

/** A link to where the guideline speaks of a field; null if it does not. */
function linkGuideline({ label, guideline }) {
  if (!guideline) return null;
  const title = `What the guideline says of ${label} (opens beside this page)`;
  return [" ", make("a", { href: `/guideline#${guideline}`, target: "guideline", title }, "Guideline")];
}

/** What the other annotator says in a field, with a button that takes it over; null if both say the same. */
function makeOther(item, { name, label }, save) {
  const other = item.others[name];
  if (!other) return null;
  const take = other.may_take && makeSmall(`Take ${other.by}'s`, `Take ${other.by}'s ${label}`, () => save(other.value), `${item.path}|${name}|take`);
  const by = other.is_same ? `${other.by} says the same in other words: ` : `${other.by}: `;
  return make("p", { class: "other" }, make("b", {}, by), other.said, " ", take);
}

/** The full meaning of a menu's chosen word; null if it has none. */
function explain(field, value) {
  const chosen = field.options?.find((option) => option.value === value);
  if (!chosen?.meaning) return null;
  return [" ", make("b", {}, toWords(value)), `: ${chosen.meaning}.`];
}

/** The part of a value that a flaw concerns: "no. 2 value: " for "constraints[1].value". */
function nameWithin(path) {
  const [, ...parts] = path.match(/\[\d+\]|[^.[\]]+/g);
  if (parts.length === 0) return "";
  const names = parts.map((part) => {
    const isNumber = part.startsWith("[");
    return isNumber ? `no. ${Number(part.slice(1, -1)) + 1}` : toWords(part);
  });
  return `${names.join(" ")}: `;
}

/** ``shown`` has the same shape as ``value``: texts without escapes, and numbers as the text writes them. */
function makeValue(field, value, shown, save, place, context) {
  if (field.widget === "arm") return makeChecks(value || [], save, place, context);
  if (field.many) return makeList(field, value || [], shown || [], save, place, context);
  if (field.widget === "group") return makeOptionalGroup(field, value, shown, save, place, context);
  return makeControl(field, value, shown, save, place, context);
}

/** A row for each of a field's values, and a button to add another. */
function makeList(field, values, shown, save, place, context) {
  const member = { ...field, many: false, optional: false };
  const isGroup = field.widget === "group";
  const makeMember = isGroup ? makeGroup : makeControl;
  const rows = values.map((value, number) => {
    const put = (next) => save(values.with(number, next));
    const inner = { ...place, key: `${place.key}|${number}`, path: `${place.path}[${number}]`, label: `${field.label} ${number + 1}` };
    const remove = makeSmall("Remove", `Remove ${inner.label}`, () => save(values.toSpliced(number, 1)));
    return make("div", { class: "row-of" }, makeMember(member, value, shown[number], put, inner, context), remove);
  });
  const empty = isGroup ? makeEmpty(field) : "";
  return [...rows, makeSmall("Add", `Add ${field.label}`, () => save([...values, empty]), `${place.key}|add`)];
}

/** A box to check for each arm of the record, and for each other label that the value has. */
function makeChecks(values, save, place, { choices }) {
  const titles = new Map(choices.arm);
  for (const label of values) {
    if (!titles.has(label)) titles.set(label, label);
  }
  if (titles.size === 0) return make("p", { class: "dim" }, "The record lists no arms.");
  const boxes = new Map();
  const checks = [];
  for (const [label, title] of titles) {
    const box = make("input", { type: "checkbox", id: `${place.key}|${label}`, checked: values.includes(label) });
    boxes.set(label, box);
    checks.push(make("label", { class: "check" }, box, title));
  }
  const group = make("div", { class: "checks", role: "group", "aria-label": place.label }, checks);
  group.addEventListener("change", () => save([...boxes.keys()].filter((label) => boxes.get(label).checked)));
  return group;
}

/** The parts of a value that may be missing, or a button to add it. */
function makeOptionalGroup(field, value, shown, save, place, context) {
  if (value === null) return makeSmall("Add", `Add ${field.label}`, () => save(makeEmpty(field)), `${place.key}|add`);
  const remove = makeSmall(`Clear ${field.label}`, `Clear ${field.label}`, () => save(null));
  return make("div", { class: "row-of" }, makeGroup(field, value, shown, save, place, context), remove);
}

/** The parts of a value, each with its label and control. */
function makeGroup(field, value, shown, save, place, context) {
  let current = value;  // a second part may change before the answer to the first
  const parts = field.fields.map((part) => {
    const { name } = part;
    const inner = { ...place, key: `${place.key}|${name}`, path: `${place.path}.${name}`, label: `${place.label}: ${part.label}` };
    const put = (next) => {
      current = { ...current, [name]: next };
      return save(current);
    };
    return make("div", { class: `part part-${part.widget} part-${name}` },
      make("label", { for: inner.key }, part.label),
      makeValue(part, value[name] ?? null, shown[name] ?? null, put, inner, context));
  });
  return make("div", { class: "group" }, parts);
}

/** A value of parts, all of them empty. */
function makeEmpty(field) {
  const value = {};
  for (const { name, widget, optional } of field.fields) {
    const isNeededText = widget === "text" && !optional;
    value[name] = isNeededText ? "" : null;
  }
  return value;
}

/** A small button. ``label`` says to a screen reader what its words mean here. */
function makeSmall(words, label, act, key = null) {
  const button = make("button", { type: "button", class: "small", "aria-label": label, id: key }, words);
  button.addEventListener("click", act);
  return button;
}

/** The control of a single value: a menu, a number, or a text. */
function makeControl(field, value, shown, save, place, context) {
  const attributes = { id: place.key, "aria-describedby": place.notes, "aria-invalid": isWrong(place) && "true" };
  if (["choice", "flag"].includes(field.widget) || field.widget in context.choices) {
    return makeMenu(field, value, save, attributes, context);
  }
  if (field.readonly) return make("output", { id: place.key }, nameGroup(value));
  if (field.widget === "number") return makeNumber(shown, save, attributes);
  const box = make("textarea", { ...attributes, rows: "1", spellcheck: "false" });
  setText(box, shown ?? "");
  box.addEventListener("change", () => {
    const text = box.value.trim();
    const isLeftOut = text === "" && field.optional;
    save(isLeftOut ? null : text);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    box.blur();
  });
  return box;
}

/** Whether a flaw concerns a control: one of its own, or of the row or the value that it is in. */
function isWrong({ path, flaws }) {
  return flaws.some((flaw) => `${path}.`.startsWith(`${flaw.path}.`) || path.startsWith(`${flaw.path}[`));
}

/** The name of a group of criteria for readers, as in the menus of its members; none before it is stored. */
function nameGroup(id) {
  return (id ?? "").replace(/^g(\d+)$/, "group $1");
}

/** Set the text of a box, also as the text to which Escape returns. */
function setText(box, text) {
  box.defaultValue = text;
  box.value = text;
}

/** A menu of the words that a value may be. */
function makeMenu(field, value, save, attributes, context) {
  const menu = make("select", attributes);
  const choices = listChoices(field, value, context);
  for (const { word } of choices) menu.append(make("option", { value: JSON.stringify(word) }));
  menu.value = JSON.stringify(value);
  // A closed menu shows only the chosen word; its meaning is shown below.
  const update = () => [...menu.options].forEach((option, place) => {
    const { short, text } = choices[place];
    option.textContent = option.selected ? short : text;
  });
  update();
  menu.addEventListener("change", () => {
    update();
    save(JSON.parse(menu.value));
  });
  return menu;
}

/** The choices of a menu: for each word its text in the open menu, and its short text in the closed one. */
function listChoices(field, value, context) {
  const makeChoice = (word, text, short = text) => ({ word, text, short });
  if (field.widget === "flag") {
    return [makeChoice(null, "not stated"), makeChoice(true, "yes"), makeChoice(false, "no")];
  }
  const choices = [];
  if (field.optional || value === null) choices.push(makeChoice(null, field.widget === "member" ? "none" : "not stated"));
  if (field.widget in context.choices) {
    for (const [word, title] of context.choices[field.widget]) choices.push(makeChoice(word, title));
  } else {
    for (const option of field.options) choices.push(makeChoice(option.value, describeOption(option), toWords(option.value)));
  }
  // A value that is no choice any more must not turn into another one.
  const isListed = choices.some(({ word }) => word === value);
  if (!isListed) choices.push(makeChoice(value, String(value)));
  return choices;
}

/** A word of a menu with its meaning. */
function describeOption({ value, meaning }) {
  return meaning ? `${toWords(value)} – ${meaning}` : toWords(value);
}

/** A number as the text writes it, with its digits beside it if they differ. The server reads what is typed. */
function makeNumber(shown, save, attributes) {
  const [written, exact] = Array.isArray(shown) ? shown : [shown ?? "", null];
  const box = make("input", { ...attributes, inputmode: "decimal", autocomplete: "off", size: Math.max(4, written.length) });
  setText(box, written);
  box.addEventListener("change", () => save(box.value.trim() || null));
  box.addEventListener("keydown", (event) => event.key === "Enter" && box.blur());
  return exact ? [box, make("span", { class: "exact" }, `= ${exact}`)] : box;
}
