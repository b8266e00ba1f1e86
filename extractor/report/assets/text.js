// The record's text, with the quotes of its values marked.

const FIRST = ["findings", ...TASKS];

/** Values and findings by quoted span: path, task, and label. */
function listOwners(record) {
  const owners = record.spans.map(() => []);
  for (const item of record.items) {
    const task = nameTask(item.of ?? item.path);
    for (const value of headlinesFirst([...item.values], ({ name }) => name)) {
      for (const span of value.spans) owners[span].push({ path: value.path, task, label: `${nameValue(item, value.name)}: ${toLine(value.value)}` });
    }
  }
  record.findings.forEach((finding, number) => {
    finding.quotes.forEach(([, , span], place) => {
      if (span !== null) owners[span].push({ path: nameCitation(number, place), task: "findings", label: finding.message });
    });
  });
  return owners;
}

function nameTask(path) {
  return path.match(/^\w+/)[0];
}

/** A section with its marks. */
function showSection(record, number, owners) {
  const { name, text } = record.sections[number];
  const spans = record.spans
    .map(([section, start, end], place) => ({ section, start, end, number: place }))
    .filter((span) => span.section === number);
  const shortestFirst = (one, other) => one.end - one.start - (other.end - other.start) || one.number - other.number;
  const pieces = markText(text, spans, (words, over) => {
    const numbers = over.toSorted(shortestFirst).map((span) => span.number);
    const all = numbers.flatMap((span) => owners[span]);
    return all.length === 0 ? words : makeMark(record.id, words, numbers, all);
  });
  const isRegistry = name.startsWith("registry.");
  return make("section", { class: isRegistry ? "passage registry" : "passage", "data-section": name }, make("h3", {}, name), make("p", {}, pieces));
}

/** A quoted piece: a link to the first of its values. */
function makeMark(id, words, spans, owners) {
  const tasks = FIRST.filter((task) => owners.some((one) => one.task === task));
  const task = tasks[0] === "findings" ? "findings" : owners[0].task;
  const depth = Math.min(3, spans.length);
  const labels = owners.slice(0, 6).map((one) => one.label.slice(0, 120)).join("\n");
  return make(
    "a",
    {
      class: `mark ${task} deep-${depth}`,
      href: writeRecord(id, owners[0].path),
      tabindex: "-1",
      title: owners.length > 6 ? `${labels}\nand ${owners.length - 6} more` : labels,
      "data-spans": spans.join(" "),
    },
    words,
  );
}

/** The whole text: sections, then the registry's structured fields. */
function showText(record, owners) {
  const order = record.sections.map((_, number) => number);
  const isRegistry = (number) => record.sections[number].name.startsWith("registry.");
  const sorted = [...order.filter((number) => !isRegistry(number)), ...order.filter(isRegistry)];
  return sorted.map((number) => showSection(record, number, owners));
}

/** Highlight the searched words without changing the document. */
function markSearched(root, words) {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete("searched");
  if (words.length === 0) return;
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.toLowerCase();
    for (const word of words) {
      for (let at = text.indexOf(word); at >= 0 && text.length === walker.currentNode.data.length; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + word.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("searched", new Highlight(...ranges));
}
