// Wire the page: the address is the state; filters, links and keys change the address.

/** Everything after the index is unpacked. */
function startPage(index) {
  const rows = readRows(index);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const find = (selector) => document.querySelector(selector);
  const views = { overview: find("#overview"), records: find("#records"), record: find("#record") };
  const form = find(".filters");
  const status = find(".status");
  const list = new List(find(".scroller"), makeRow, "No record matches.");
  const view = new RecordView(views.record, index.meanings);
  let filters = {};
  let found = rows;
  let shown = { view: "overview" };
  let search = 0;
  let opening = Promise.resolve();

  function turnTo(name) {
    for (const [key, element] of Object.entries(views)) element.hidden = key !== name;
    for (const link of document.querySelectorAll(".views a")) {
      const isHere = link.dataset.view === name || (name === "record" && link.dataset.view === "records");
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    find(".views [data-view=records]").href = writeList(filters);
  }

  /** List the filtered rows, unless the filters have changed again while the words were unpacked. */
  async function select() {
    const turn = ++search;
    const words = splitWords(filters.text);
    const selected = selectRows(rows, filters);
    if (words.length === 0) return finish(selected);
    const matching = await searchRows(selected, words);
    if (turn === search) finish(matching);
  }

  function finish(selected) {
    found = selected;
    list.show(found);
    const all = rows.length.toLocaleString("en");
    status.textContent = `${found.length.toLocaleString("en")} of ${all} records`;
  }

  async function showRecord({ id, path }) {
    const row = byId.get(id);
    if (!row) {
      turnTo("records");
      return select().then(() => (status.textContent = `This page has no record ${id}.`));
    }
    const record = await openRecord(row);
    if (shown.view !== "record" || shown.id !== id) return;
    turnTo("record");
    list.current = id;
    document.title = `${id} – Extractor report`;
    if (view.record !== record) view.show(record, splitWords(filters.text));
    find(".steps").replaceChildren(...makeSteps("← Records", writeList(filters), findNeighbour(row, -1), findNeighbour(row, 1)));
    const isThere = view.choose(path);
    if (!isThere) find(".record-notes").append(make("p", { class: "notice" }, `There is no ${path} in this record.`));
    if (!path) find(".record-title").focus({ preventScroll: true });
  }

  function findNeighbour(row, step) {
    const place = found.indexOf(row);
    const neighbour = place < 0 ? undefined : found[place + step];
    return neighbour && writeRecord(neighbour.id);
  }

  /** Go to an address at once: the next key may come before the browser reports the change. */
  function go(hash, how) {
    history.pushState(null, "", hash);
    follow(how);
  }

  function step(direction) {
    const neighbour = shown.view === "record" && findNeighbour(byId.get(shown.id), direction);
    if (neighbour) go(neighbour);
  }

  /** Show the state in the address. On return from a record, unless the reader searches, put the focus into the list. */
  function follow({ isSearch = false } = {}) {
    const last = shown;
    shown = readAddress(location.hash);
    if (shown.view === "record") return (opening = showRecord(shown));
    turnTo(shown.view);
    document.title = pageTitle;
    if (shown.view === "overview") return scrollTo(0, 0);
    filters = shown.filters;
    for (const name of FILTERS) form[name].value = filters[name] || "";
    select().then(() => {
      if (last.view !== "record" || isSearch) return;
      const place = found.findIndex((row) => row.id === last.id);
      if (place >= 0) list.focus(place);
    });
  }

  function readForm() {
    filters = Object.fromEntries(FILTERS.map((name) => [name, form[name].value]).filter(([, value]) => value));
    history.replaceState(null, "", writeList(filters));
    select();
  }

  const pageTitle = document.title;
  fillFilters(form, rows, listNames, ["absence", "finding", "origin"]);
  if (innerWidth <= 640) form.querySelector(".choices").open = false;
  wireFilters(form, readForm, readForm);
  const stepValue = (direction) => opening.then(() => shown.view === "record" && view.record?.id === shown.id && view.step(direction));
  listenToKeys({
    "/": () => {
      if (shown.view !== "records") go(writeList(filters), { isSearch: true });
      form.text.focus();
    },
    o: () => shown.view !== "overview" && go("#"),
    j: () => step(1),
    k: () => step(-1),
    n: () => stepValue(1),
    p: () => stepValue(-1),
    Escape: () => shown.view === "record" && go(writeList(filters)),
  });
  addEventListener("hashchange", () => follow());
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("#record details")) details.open = true;
  });
  follow();
  document.documentElement.dataset.ready = "true";
}

unpack("index").then(startPage);
