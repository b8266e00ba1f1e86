// Editors of values, built from the description of a field. Each has an ``element`` and ``read()``. Unless the value is changed,
// ``read()`` returns the original, so that whitespace in the record survives a text box.

function makeEditor(field, value) {
  if (field.many) return makeList(field, value ?? null);
  if (field.kind === "object") return makeObject(field, value);
  if (field.kind === "choice") return makeMenu(field, value, field.choices);
  if (field.kind === "yes_no") return makeMenu(field, value, [true, false]);
  return makeBox(field, value);
}

/** A text box for words or a number. ``element.fill`` inserts words from the record. */
function makeBox(field, value) {
  let original = value ?? null;
  const isLong = field.kind === "text" && !hasSuggestions(field);
  const box = make(isLong ? "textarea" : "input", {
    rows: isLong ? 1 : null,
    list: hasSuggestions(field) ? `suggest-${field.name}` : null,
    autocomplete: "off",
    spellcheck: "false",
  });
  box.value = value ?? "";
  let shown = box.value;
  if (field.kind === "text") {
    box.fill = (words) => {
      original = words;
      box.value = words;
      shown = box.value;
    };
  }
  const parse = () => (field.kind === "number" ? parseNumber(box.value) : box.value.trim() || null);
  return { element: box, read: () => (box.value === shown ? original : parse()) };
}

function hasSuggestions({ name }) {
  return ["section", "arms", "group", "parent"].includes(name);
}

/** Parse "1.5 x 10^9" and "1,000" as numbers. Other text is returned as it is, and shown as a flaw. */
function parseNumber(text) {
  const plain = text.trim().replace(/(?<=\d),(?=\d{3}(?!\d))/g, "").replace(/\s*[x×]\s*10\s*\^?\s*/i, "e");
  if (plain === "") return null;
  return Number.isFinite(Number(plain)) ? Number(plain) : text.trim();
}

function makeMenu(field, value, choices) {
  const names = new Map(choices.map((choice) => [JSON.stringify(choice), toChoice(choice)]));
  const known = JSON.stringify(value ?? null);
  if (value !== null && value !== undefined && !names.has(known)) names.set(known, String(value));
  const menu = make("select", {}, make("option", { value: "null" }, "not stated"),
    [...names].map(([key, words]) => make("option", { value: key }, words)));
  menu.value = known;
  return { element: menu, read: () => JSON.parse(menu.value) };
}

function toChoice(choice) {
  if (choice === true) return "yes";
  return choice === false ? "no" : toWords(choice);
}

/** The parts of an object. If all of them are empty, there is no value. */
function makeObject(field, value) {
  const parts = field.parts.map((part) => ({ part, before: value?.[part.name] ?? null, editor: makeEditor(part, value?.[part.name]) }));
  const element = make("div", { class: "parts" }, parts.map(({ part, editor }) => makeLabelled(part, editor)));
  const read = () => {
    const values = parts.map(({ part, editor }) => [part.name, editor.read()]);
    const isSame = parts.every(({ before }, place) => JSON.stringify(before) === JSON.stringify(values[place][1] ?? null));
    if (isSame) return value ?? null;
    return values.some(([, part]) => isStated(part)) ? Object.fromEntries(values) : null;
  };
  return { element, read };
}

function isStated(value) {
  return value !== null && value !== undefined && (!Array.isArray(value) || value.length > 0);
}

/** A list with buttons to add a member and to remove each one. Empty members are ignored. */
function makeList(field, value) {
  const single = { ...field, many: false };
  const element = make("div", { class: "members" });
  const members = [];
  const add = (value) => {
    const editor = makeEditor(single, value);
    const member = { editor };
    const remove = make("button", { type: "button", class: "small", title: `Remove from ${field.label}` }, "Remove");
    remove.addEventListener("click", () => {
      members.splice(members.indexOf(member), 1);
      member.element.remove();
      element.dispatchEvent(new Event("change", { bubbles: true }));
    });
    member.element = make("div", { class: "member", role: "group", "aria-label": `${field.label} ${members.length + 1}` },
      field.kind === "object" ? editor.element : makeLabelled({ ...single, label: `${field.label} ${members.length + 1}` }, editor, "sr"), remove);
    members.push(member);
    more.before(member.element);
    return editor.element;
  };
  const more = make("button", { type: "button", class: "small" }, `Add to ${field.label}`);
  more.addEventListener("click", () => {
    const added = add(null);
    (added.matches("textarea, input, select") ? added : added.querySelector("textarea, input, select")).focus();
  });
  element.append(more);
  const before = value ?? [];
  before.forEach(add);
  const read = () => {
    const current = members.map(({ editor }) => editor.read()).filter(isStated);
    return JSON.stringify(current) === JSON.stringify(before) ? value : current;
  };
  return { element, read };
}

/** An editor with its label, or with a title if it consists of several boxes. */
function makeLabelled(field, editor, labelClass = null) {
  const isGroup = field.many || field.kind === "object";
  if (isGroup) return make("fieldset", {}, make("legend", { title: field.help }, field.label), editor.element);
  return make("label", { class: `entry of-${field.kind}`, title: field.help }, make("span", { class: labelClass }, field.label), editor.element);
}
