// The card of an item: its name and values in words. An open card has a row with an editor for each field.

// As DOUBTFUL_BELOW in extractor/schemas/vocabulary.py.
const DOUBTFUL_BELOW = 0.85;
/** By group: the noun, the group of the host items (``of``), and the description of each field. */
const FORMS = Object.fromEntries(JSON.parse(document.querySelector("#forms").textContent)
  .map(({ group, fields, ...form }) => [group, { ...form, fields: Object.fromEntries(fields) }]));

class Card {
  /** ``review`` provides ``send(patch, row)``, ``open(path)`` and ``listOwn(item)``. */
  constructor(item, review) {
    Object.assign(this, { review, path: item.path, rows: null, body: make("div", { class: "body" }) });
    this.head = make("button", { type: "button", class: "head" });
    this.head.addEventListener("click", () => review.open(this.rows ? null : this.path));
    this.element = make("section", { class: "card", "data-path": item.path }, make("h3", {}, this.head), this.body);
    this.update(item);
  }

  update(item) {
    this.item = item;
    const { fields } = item;
    const title = HEADLINES.find((name) => fields[name]?.value);
    // The words of a dose may not name its agent.
    const others = Object.entries(fields).filter(([name, field]) => isStated(field.value) && name !== title && name !== "section");
    const chips = [
      item.checked && make("span", { class: "chip good" }, "checked"),
      isDoubtful(item) && make("span", { class: "chip doubtful" }, [toPercent(item.confidence), item.doubt].filter(Boolean).join(": ")),
      item.flaws.length > 0 && make("span", { class: "chip bad" }, count(item.flaws.length, "flaw")),
      item.differences.length > 0 && make("span", { class: "chip bad" }, nameDifference(item)),
    ];
    this.head.setAttribute("aria-expanded", String(this.rows !== null));
    this.head.replaceChildren(
      make("span", { class: "name" }, this.review.nameItem(item)), ...chips.filter(Boolean),
      ...(title ? [make("span", { class: "words" }, fields[title].said)] : []),
      ...(this.rows ? [] : [make("span", { class: "others" }, others.map(([name, { said }]) => make("span", {}, `${findField(item, name).label}: ${said}`)))]));
    if (this.rows) this.updateBody();
  }

  /** Show or hide the editors. */
  toggle(isOpen) {
    this.element.classList.toggle("open", isOpen);
    this.rows = null;
    this.body.replaceChildren();
    if (isOpen) {
      this.rows = new Map(Object.entries(FORMS[this.item.group].fields).map(([name, field]) => [name, new Row(this, name, field)]));
      this.actions = make("div", { class: "actions" });
      this.body.append(this.actions, ...[...this.rows.values()].map(({ element }) => element));
    }
    this.update(this.item);
  }

  updateBody() {
    const { item, review } = this;
    const only = item.differences.find(({ field }) => !field);
    const check = item.checked ? "Uncheck" : only ? `Keep, only in ${only.by}` : item.differences.length > 0 ? "Keep" : "Check";
    const buttons = [[check, () => review.send({ path: item.path, value: { "@checked": !item.checked } })]];
    if (item.path !== "eligibility") buttons.push(["Delete", () => review.send({ path: item.path, value: null })]);
    for (const [group, { noun }] of review.listOwn(item)) buttons.push([`Add ${noun}`, () => review.add(group, item.path)]);
    const before = [...this.actions.children].indexOf(document.activeElement);
    this.actions.replaceChildren(...buttons.map(([words, act]) => makeButton(words, act)));
    this.actions.children[before]?.focus();
    for (const row of this.rows.values()) row.update(item);
  }
}

class Row {
  constructor(card, name, field) {
    Object.assign(this, { card, name, field, waiting: 0, notes: make("p", { class: "notes" }), flaws: make("ul", { class: "flaws" }) });
    this.element = make("div", { class: "field", "data-field": name });
    this.element.addEventListener("change", () => this.commit());
    this.fill(card.item.fields[name].value);
  }

  fill(value) {
    this.editor = makeEditor(this.field, value);
    this.sent = JSON.stringify(value ?? null);
    this.element.replaceChildren(makeLabelled(this.field, this.editor), this.notes, this.flaws);
  }

  get isUnsaved() {
    return JSON.stringify(this.editor.read() ?? null) !== this.sent;
  }

  /** Save the value if it differs from the saved one. ``more`` contains values of other fields. */
  commit(more = {}) {
    if (!this.isUnsaved) return;
    const value = this.editor.read() ?? null;
    this.sent = JSON.stringify(value);
    this.waiting += 1;
    this.card.review.send({ path: this.card.path, value: { [this.name]: value, ...more } }, this);
  }

  /** Save what is being typed when the page is left. */
  flush() {
    const value = this.editor.read() ?? null;
    this.sent = JSON.stringify(value);
    this.card.review.flush({ path: this.card.path, value: { [this.name]: value }, typed: true });
  }

  update(item) {
    const { value, confidence, doubts, pages, reason, typed } = item.fields[this.name];
    const isAlike = JSON.stringify(value ?? null) === this.sent;
    // Text that is being typed is never replaced, not even by the response to an earlier change.
    if (!isAlike && !this.isUnsaved && this.waiting === 0) this.fill(value);
    const isSure = confidence === null || confidence >= DOUBTFUL_BELOW;
    const difference = item.differences.find(({ field }) => field === this.name);
    this.notes.replaceChildren(...[
      !isSure && make("span", { class: "chip doubtful" }, toPercent(confidence)),
      !isSure && doubts.length > 0 && make("span", { class: "dim" }, doubts.join("; ")),
      pages.length > 0 && make("span", { class: "dim" }, `page ${pages.join(", ")}`),
      typed && make("span", { class: "chip doubtful" }, "saved while typing: check it"),
      reason && !isStated(value) && make("span", { class: "dim" }, toWords(reason)),
      difference && [`${difference.by}: ${difference.said} `, makeButton(`Take ${difference.by}'s ${this.field.label}`, () => this.take(difference))],
    ].flat().filter(Boolean));
    const flaws = item.flaws.filter(({ field }) => field === this.name || /^[.[]/.test(field.slice(this.name.length)) && field.startsWith(this.name));
    this.flaws.replaceChildren(...flaws.map(({ field, message }) => make("li", {}, `${describePlace(field.slice(this.name.length))}${message}`)));
    this.element.classList.toggle("flawed", flaws.length > 0);
  }

  take({ value }) {
    this.fill(value);
    this.sent = null;
    this.commit();
  }
}

/** Format "[1].value" for display: "2, value: ". */
function describePlace(place) {
  const words = place.replace(/\[(\d+)\]/g, (_, position) => ` ${Number(position) + 1}`).replaceAll(".", " ").trim();
  return words ? `${toWords(words)}: ` : "";
}

function makeButton(words, act, kind = "small") {
  const button = make("button", { type: "button", class: kind }, words);
  button.addEventListener("click", act);
  return button;
}

function isDoubtful({ confidence, checked }) {
  return !checked && confidence !== null && confidence < DOUBTFUL_BELOW;
}

function nameDifference({ differences }) {
  const only = differences.find(({ field }) => !field);
  return only ? `only in ${only.by}` : count(differences.length, "difference");
}

function findField(item, name) {
  return FORMS[item.group].fields[name];
}
