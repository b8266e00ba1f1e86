// The form of one item, built from the server's description of its schema.

let sequence = 0;

/** All fields of an item. ``save(path, value)`` is called when a field has changed. */
function makeForm(item, fields, context) {
  const shown = fields.filter(({ fixed }) => !(item.predicted && fixed));
  return make("div", { class: "form" }, shown.map((field) => makeField(item, field, context)));
}

function makeField(item, field, context) {
  const flaws = context.flaws.filter(({ path }) => path.split(/[.[]/)[0] === field.name);
  const notes = `notes-${++sequence}`;
  const place = { key: `${item.path}|${field.name}`, label: field.label, notes, invalid: flaws.length > 0 };
  const save = (value) => context.save(field.name, value);
  const value = item.value[field.name] ?? null;
  const control = makeValue(field, value, item.written[field.name] ?? null, save, place, context);
  const isGroup = field.many || field.widget === "group";
  const isDoubtful = field.name in item.doubts;
  const before = item.before[field.name];
  const title = "how sure the rules are of this field";
  const head = [field.label, isDoubtful ? make("span", { class: "doubt", title }, describeDoubt(item, field.name)) : null];
  const label = isGroup ? make("legend", {}, head) : make("label", { for: place.key }, head);
  return make(isGroup ? "fieldset" : "div", { class: `field${isDoubtful ? " doubtful" : ""}`, "data-field": field.name },
    label,
    make("div", { class: "control" }, control,
      make("div", { id: notes, class: "notes" },
        make("p", { class: "help" }, field.help, explain(field, value)),
        before && make("p", { class: "before" }, `was: ${before}`),
        flaws.map((flaw) => make("p", { class: "flaw" }, `${nameWithin(flaw.path)}${flaw.problem}; ${flaw.remedy}`)))));
}

/** The full meaning of a menu's chosen word. */
function explain(field, value) {
  const chosen = field.options?.find((option) => option.value === value);
  return chosen?.meaning ? [" ", make("b", {}, toWords(value)), `: ${chosen.meaning}.`] : null;
}

/** The part of a value that a flaw concerns: "2nd value: " for "constraints[1].value". */
function nameWithin(path) {
  const parts = path.match(/\[\d+\]|[^.[\]]+/g).slice(1);
  return parts.length ? `${parts.map((part) => (part[0] === "[" ? `no. ${Number(part.slice(1, -1)) + 1}` : toWords(part))).join(" ")}: ` : "";
}

/** ``shown`` has the same shape as ``value``: texts without escapes, and numbers as the text writes them. */
function makeValue(field, value, shown, save, place, context) {
  if (field.widget === "arm") return makeChecks(value || [], save, place, context);
  if (field.many) return makeList(field, value || [], shown || [], save, place, context);
  if (field.widget === "group") return makeOptionalGroup(field, value, shown, save, place, context);
  return makeControl(field, value, shown, save, place, context);
}

function makeList(field, values, shown, save, place, context) {
  const one = { ...field, many: false, optional: false };
  const rows = values.map((value, number) => {
    const put = (next) => save(values.map((other, at) => (at === number ? next : other)));
    const inner = { ...place, key: `${place.key}|${number}`, label: `${field.label} ${number + 1}` };
    const remove = makeSmall("Remove", `Remove ${inner.label}`, () => save(values.filter((_, at) => at !== number)));
    const control = field.widget === "group" ? makeGroup(one, value, shown[number], put, inner, context) : makeControl(one, value, shown[number], put, inner, context);
    return make("div", { class: "row-of" }, control, remove);
  });
  const empty = field.widget === "group" ? makeEmpty(field) : "";
  return [...rows, makeSmall("Add", `Add ${field.label}`, () => save([...values, empty]), `${place.key}|add`)];
}

/** A box to check for each arm of the record, and for each other label that the value has. */
function makeChecks(values, save, place, { choices }) {
  const known = new Map([...values.map((label) => [label, label]), ...choices.arm]);
  const labels = [...new Set([...choices.arm.map(([label]) => label), ...values])];
  if (!labels.length) return make("p", { class: "dim" }, "The record lists no arms.");
  const boxes = labels.map((label) => make("input", { type: "checkbox", id: `${place.key}|${label}`, checked: values.includes(label) }));
  const checks = boxes.map((box, place) => make("label", { class: "check" }, box, known.get(labels[place])));
  const group = make("div", { class: "checks", role: "group", "aria-label": place.label }, checks);
  group.addEventListener("change", () => save(labels.filter((_, place) => boxes[place].checked)));
  return group;
}

function makeOptionalGroup(field, value, shown, save, place, context) {
  if (value === null) return makeSmall("Add", `Add ${field.label}`, () => save(makeEmpty(field)), `${place.key}|add`);
  const remove = makeSmall("Remove", `Remove ${field.label}`, () => save(null));
  return make("div", { class: "row-of" }, makeGroup(field, value, shown, save, place, context), remove);
}

function makeGroup(field, value, shown, save, place, context) {
  let now = value;  // a second part may change before the answer to the first
  return make("div", { class: "group" }, field.fields.map((part) => {
    const key = `${place.key}|${part.name}`;
    const inner = { ...place, key, label: `${place.label}: ${part.label}` };
    const put = (next) => save((now = { ...now, [part.name]: next }));
    return make("div", { class: `part part-${part.widget} part-${part.name}` },
      make("label", { for: key }, part.label), makeValue(part, value[part.name] ?? null, shown[part.name] ?? null, put, inner, context));
  }));
}

function makeEmpty(field) {
  return Object.fromEntries(field.fields.map((part) => [part.name, part.widget === "text" && !part.optional ? "" : null]));
}

function makeSmall(words, label, act, key = null) {
  const button = make("button", { type: "button", class: "small", "aria-label": label, id: key }, words);
  button.addEventListener("click", act);
  return button;
}

function makeControl(field, value, shown, save, place, context) {
  const attributes = { id: place.key, "aria-describedby": place.notes, "aria-invalid": place.invalid && "true", readonly: field.readonly };
  if (["choice", "flag"].includes(field.widget) || field.widget in context.choices) {
    return makeMenu(field, value, save, attributes, context);
  }
  if (field.widget === "number") return makeNumber(shown, save, attributes);
  const box = make("textarea", { ...attributes, rows: "1", spellcheck: "false" });
  box.value = box.defaultValue = shown ?? "";
  box.addEventListener("change", () => save(box.value.trim() === "" && field.optional ? null : box.value.trim()));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    box.blur();
  });
  return box;
}

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

function listChoices(field, value, context) {
  if (field.widget === "flag") {
    return [[null, "not stated"], [true, "yes"], [false, "no"]].map(([word, text]) => ({ word, text, short: text }));
  }
  const none = field.widget === "member" ? "none" : "not stated";
  const empty = field.optional || value === null ? [{ word: null, text: none, short: none }] : [];
  const known = field.widget in context.choices
    ? context.choices[field.widget].map(([word, title]) => ({ word, text: title, short: title }))
    : field.options.map((option) => ({ word: option.value, text: describe(option), short: toWords(option.value) }));
  const isKnown = value === null || known.some(({ word }) => word === value);
  return [...empty, ...known, ...(isKnown ? [] : [{ word: value, text: String(value), short: String(value) }])];
}

function describe({ value, meaning }) {
  return meaning ? `${toWords(value)} – ${meaning}` : toWords(value);
}

/** A number as the text writes it, with its digits beside it if they differ. The server reads what is typed. */
function makeNumber(shown, save, attributes) {
  const [written, exact] = Array.isArray(shown) ? shown : [shown ?? "", null];
  const box = make("input", { ...attributes, inputmode: "decimal", autocomplete: "off", size: Math.max(4, written.length) });
  box.value = box.defaultValue = written;
  box.addEventListener("change", () => save(box.value.trim() || null));
  box.addEventListener("keydown", (event) => event.key === "Enter" && box.blur());
  return exact ? [box, make("span", { class: "exact" }, `= ${exact}`)] : box;
}
