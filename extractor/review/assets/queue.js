// The queue: records with the likeliest errors first.

const STATES = {
  open: "not begun",
  begun: "begun",
  changed: "changed since it was finished",
  finished: "finished",
  without_text: "text not at hand",
};

/** Draw the queue. */
export function showQueue(main, queue) {
  const finished = queue.records.filter((row) => row.progress.state === "finished").length;
  const list = make("ol", { class: "queue" }, queue.records.map(makeRow));
  const nothing = make("p", { class: "dim", hidden: true }, "No record has these words.");
  const search = make("input", { type: "search", id: "search", placeholder: "id, title or reason", autocomplete: "off" });
  search.addEventListener("input", () => filter(list, nothing, search.value));
  main.replaceChildren(
    make("div", { class: "queue-page" },
      make("h1", {}, "Records to review"),
      make("p", { class: "lead" }, `${finished} of ${queue.records.length} finished. Those with the most expected errors come first. `,
        "Gold goes to ", make("code", {}, queue.gold), "; you review as ", make("b", {}, queue.reviewer), "."),
      make("label", { class: "search", for: "search" }, "Search"), search, nothing, list,
    ),
  );
}

function makeRow(row) {
  const { state, decided, items } = row.progress;
  const isOpenable = state !== "without_text";
  const head = [make("span", { class: "row-title" }, row.title || row.record), make("code", { class: "dim" }, row.record)];
  const share = items ? Math.round((100 * decided) / items) : 0;
  return make("li", { class: `state-${state}`, "data-text": [row.record, row.title, ...row.reasons].join(" ").toLowerCase() },
    make("a", { href: isOpenable ? addressOf(row.record) : null, class: "row" },
      make("span", { class: "row-head" }, head),
      make("span", { class: "row-why" }, make("b", {}, row.expected.toFixed(1)), " errors expected",
        row.reasons.length ? `: ${row.reasons.join(", ")}` : ""),
      make("span", { class: "row-state" }, make("span", { class: `pill ${state}` }, STATES[state]),
        state === "begun" ? ` ${share} % decided` : ""),
    ));
}

/** The address of a record in this page. */
export function addressOf(record) {
  return `#record=${encodeURIComponent(record)}`;
}

/** The next record that is not finished, after a given one; the first one without. */
export function findNext(queue, after) {
  const rows = queue.records;
  const place = rows.findIndex((row) => row.record === after);
  const turned = [...rows.slice(place + 1), ...rows.slice(0, Math.max(place, 0))];
  return turned.find((row) => !["finished", "without_text"].includes(row.progress.state));
}

function filter(list, nothing, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of list.children) row.hidden = !words.every((word) => row.dataset.text.includes(word));
  nothing.hidden = [...list.children].some((row) => !row.hidden);
}
