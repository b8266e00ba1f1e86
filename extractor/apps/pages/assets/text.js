// The text of a record with its marks: the same on every page, whatever a mark is there.

/** The sections of a record's view. ``makeMark(words, spans)`` makes the words under these spans, the shortest first. */
function showText(view, makeMark, heading = "h3") {
  return view.sections.map(({ name, title, raw }, number) => {
    const words = make("pre", { "data-section": name });
    drawMarks(words, view, number, makeMark);
    const asRegistered = raw === undefined ? null : make("details", { class: "raw" },
      make("summary", {}, "As it was given"), make("pre", {}, raw));
    const kind = name.startsWith("registry.") ? "passage registry" : "passage";
    return make("section", { class: kind }, make(heading, { class: "section-name", title: name }, title), words, asRegistered);
  });
}

/**
 * Draw a section's words anew: cut at the ends of the spans, at the starts of the items of a list in one cell, and of a text
 * as it was given at the starts of its parts, which are named at its edge.
 */
function drawMarks(element, view, number, makeMark) {
  const { text, starts = [], parts = [] } = view.sections[number];
  const spans = [];
  view.spans.forEach(([section, start, end], span) => {
    if (section === number) spans.push({ span, start, end, length: end - start });
  });
  const ends = spans.flatMap(({ start, end }) => [start, end]);
  const cuts = [...new Set([0, text.length, ...starts, ...parts.map(([start]) => start), ...ends])].sort((one, other) => one - other);
  const starting = Map.groupBy(spans, ({ start }) => start);
  const pieces = [];
  let open = [];
  cuts.slice(1).forEach((end, place) => {
    const start = cuts[place];
    open = [...open, ...(starting.get(start) || [])].filter((span) => span.end > start);
    // Names of parts are not text, either: they are not copied with it.
    for (const [at, title] of parts) {
      if (at === start) pieces.push(make("span", { class: "part", "data-title": title }));
    }
    const item = starts.indexOf(start);
    // The number of an item is not text, so that offsets stay.
    if (item >= 0) pieces.push(make("span", { class: item > 0 ? "start later" : "start", "data-number": `${item + 1}. ` }));
    const words = text.slice(start, end);
    const shortestFirst = open.toSorted((one, other) => one.length - other.length || one.span - other.span);
    pieces.push(open.length ? makeMark(words, shortestFirst.map(({ span }) => span)) : words);
  });
  element.replaceChildren(...pieces);
}

/** Highlight the searched words without changing the document. */
function markSearched(root, words) {
  if (!("highlights" in CSS)) return;
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (words.length && walker.nextNode()) {
    const node = walker.currentNode;
    const text = node.data.toLowerCase();
    // A letter such as İ has two in lower case: offsets would be those of another text.
    if (text.length !== node.data.length) continue;
    for (const word of words) {
      for (let start = text.indexOf(word); start >= 0; start = text.indexOf(word, start + word.length)) {
        const range = new Range();
        range.setStart(node, start);
        range.setEnd(node, start + word.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("searched", new Highlight(...ranges));
}
