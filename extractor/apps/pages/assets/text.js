// The text of a record with its marks: the same on every page, whatever a mark is there.

/** The sections of a record's view. ``makeMark(words, spans)`` makes the words under these spans, the shortest first. */
function showText(view, makeMark, heading = "h3") {
  return view.sections.map(({ name, title, raw }, number) => {
    const words = make("pre", { "data-section": name });
    drawMarks(words, view, number, makeMark);
    const asRegistered = raw === undefined ? null : make("details", { class: "raw" },
      make("summary", {}, "As the registry writes it"), make("pre", {}, raw));
    const kind = name.startsWith("registry.") ? "passage registry" : "passage";
    return make("section", { class: kind }, make(heading, { class: "section-name", title: name }, title), words, asRegistered);
  });
}

/** Draw a section's words anew: cut at the ends of the spans, and at the starts of the items of a list in one cell. */
function drawMarks(element, view, number, makeMark) {
  const { text, starts = [] } = view.sections[number];
  const spans = view.spans.map(([section, start, end], span) => ({ section, start, end, span })).filter(({ section }) => section === number);
  const cuts = [...new Set([0, text.length, ...starts, ...spans.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  const starting = Map.groupBy(spans, ({ start }) => start);
  let over = [];
  const pieces = cuts.slice(1).flatMap((end, place) => {
    const start = cuts[place];
    over = over.concat(starting.get(start) || []).filter((one) => one.end > start);
    const nearest = over.toSorted((one, other) => one.end - one.start - (other.end - other.start) || one.span - other.span);
    const words = text.slice(start, end);
    const piece = over.length ? makeMark(words, nearest.map(({ span }) => span)) : words;
    const item = starts.indexOf(start);
    // The number of an item is no text, so that offsets stay.
    return item < 0 ? [piece] : [make("span", { class: item ? "start later" : "start", "data-number": `${item + 1}. ` }), piece];
  });
  element.replaceChildren(...pieces);
}

/** Highlight the searched words without changing the document. */
function markSearched(root, words) {
  if (!("highlights" in CSS)) return;
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (words.length && walker.nextNode()) {
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
