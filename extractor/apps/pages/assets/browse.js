// A page of records: an overview, a list with filters, and one record in the viewer. The address is the page's state: "#" is
// the overview, "#?field=dosing" the list, "#NCT00000000/dosing[0].amounts" a place in a record.

/** The address of the filtered list. */
function writeList(filters) {
  const chosen = Object.entries(filters).filter(([, value]) => value);
  return `#?${new URLSearchParams(chosen)}`;
}

/** The address of a record, or of a place in it. Brackets stay unescaped, to be readable. */
function writeRecord(id, path = "") {
  const encode = (text) => encodeURIComponent(text).replaceAll("%5B", "[").replaceAll("%5D", "]");
  return `#${encode(id)}${path && "/"}${encode(path)}`;
}

/** Parse an address. A list has these filters. */
function readAddress(hash, filters) {
  if (hash.length < 2) return { view: "overview" };
  if (hash[1] === "?") return { view: "records", filters: readQuery(filters, hash.slice(2)) };
  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const [id, ...path] = hash.slice(1).split("/");
  return { view: "record", id: decode(id), path: decode(path.join("/")) };
}

// The page holds records in compressed chunks. A chunk is unpacked when one of its records is shown.

const KEPT = 4;

/** Counts of unpacked chunks and JSON characters, for benchmarks. */
const opened = { chunks: 0, characters: 0 };

/** A small cache of unpacked chunks by number, the last used at the end. */
const chunks = new Map();

/** Read the compressed JSON in an element. */
async function unpack(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
  const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  opened.characters += text.length;
  return JSON.parse(text);
}

/** The record of a row. */
async function openRecord({ place: [number, position] }) {
  let chunk = chunks.get(number);
  if (!chunk) {
    chunk = unpack(`chunk-${number}`);
    opened.chunks += 1;
  }
  // A map keeps the order of insertion: this one goes to the end, and the first is the one not used for longest.
  chunks.delete(number);
  chunks.set(number, chunk);
  if (chunks.size > KEPT) chunks.delete(chunks.keys().next().value);
  const records = await chunk;
  return records[position];
}

/**
 * Wire a page of ``rows``. It has functions of its own: ``select`` filters and orders rows, ``makeRow`` makes a line of the
 * list, ``listNames`` names what fills the menus ``choices``; ``listOwners``, ``showValues``, ``listFacts`` and ``listNotes``
 * say what its viewer shows.
 */
function startPage(rows, page) {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const find = (selector) => document.querySelector(selector);
  const views = { overview: find("#overview"), records: find("#records"), record: find("#record") };
  const form = find("form.filters");
  const names = [...form.elements].map(({ name }) => name).filter((name) => name && name !== "clear");
  const status = find(".status");
  const list = new List(find(".scroller"), page.makeRow, "No record matches.");
  const viewer = new Viewer(views.record, page);
  const pageTitle = document.title;
  let filters = {};
  let listed = rows;
  let shown = { view: "overview" };
  let selections = 0;
  let opening = Promise.resolve();

  /** Show one of the views, and mark its link; a record belongs to the list. */
  function turnTo(name) {
    for (const [key, element] of Object.entries(views)) element.hidden = key !== name;
    const linked = name === "record" ? "records" : name;
    for (const link of document.querySelectorAll(".views a")) {
      if (link.dataset.view === linked) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    find(".views [data-view=records]").href = writeList(filters);
  }

  /** List the filtered rows, unless the filters have changed again while words were unpacked. */
  async function select() {
    const selection = ++selections;
    const selected = await page.select(rows, filters);
    if (selection !== selections) return;
    listed = selected;
    list.show(listed);
    const noun = rows.length === 1 ? "record" : "records";
    status.textContent = `${listed.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${noun}`;
  }

  /** Show a record, unless the reader has gone on while it was unpacked. */
  async function showRecord({ id, path }) {
    const row = byId.get(id);
    if (!row) {
      turnTo("records");
      await select();
      status.textContent = id ? `This page has no record ${id}.` : `Nothing has the address ${location.hash}.`;
      return;
    }
    const record = await openRecord(row);
    const isStillWanted = shown.view === "record" && shown.id === id;
    if (!isStillWanted) return;
    turnTo("record");
    list.current = id;
    document.title = `${id} – ${find(".brand").textContent}`;
    if (viewer.record !== record) viewer.show(record, splitWords(filters.text));
    find(".steps").replaceChildren(...makeSteps("← Records", writeList(filters), findNeighbour(row, -1), findNeighbour(row, 1)));
    const isThere = viewer.choose(path);
    if (!isThere) find(".record-notes").append(make("p", { class: "notice" }, `There is no ${path} in this record.`));
    if (!path) find(".record-title").focus({ preventScroll: true });
  }

  /** The address of the record so many rows after this one; undefined if there is none. */
  function findNeighbour(row, step) {
    const place = listed.indexOf(row);
    if (place < 0) return undefined;
    const neighbour = listed[place + step];
    return neighbour && writeRecord(neighbour.id);
  }

  /** Go to an address at once: the next key may come before the browser reports the change. */
  function go(hash, how) {
    history.pushState(null, "", hash);
    follow(how);
  }

  /** Go to the next record, or to the previous one. */
  function step(direction) {
    if (shown.view !== "record") return;
    const neighbour = findNeighbour(byId.get(shown.id), direction);
    if (neighbour) go(neighbour);
  }

  /** Choose the next value of the record, or the previous one, once the record is open. */
  async function stepValue(direction) {
    await opening;
    const isOpen = shown.view === "record" && viewer.record?.id === shown.id;
    if (isOpen) viewer.step(direction);
  }

  /** Show the state in the address. On return from a record, unless the reader searches, put the focus into the list. */
  function follow({ isSearch = false } = {}) {
    const last = shown;
    shown = readAddress(location.hash, names);
    if (shown.view === "record") {
      opening = showRecord(shown);
      return;
    }
    turnTo(shown.view);
    document.title = pageTitle;
    if (shown.view === "overview") {
      scrollTo(0, 0);
      return;
    }
    filters = shown.filters;
    for (const name of names) form[name].value = filters[name] || "";
    select().then(() => {
      if (last.view !== "record" || isSearch) return;
      const place = listed.findIndex((row) => row.id === last.id);
      if (place >= 0) list.focus(place);
    });
  }

  /** Filter by what the form says, and keep it in the address. */
  function readForm() {
    filters = {};
    for (const name of names) {
      if (form[name].value) filters[name] = form[name].value;
    }
    history.replaceState(null, "", writeList(filters));
    select();
  }

  fillFilters(form, rows, page.listNames, page.choices);
  // On a phone the choices would cover the list.
  if (innerWidth <= 640) form.querySelector(".choices").open = false;
  wireFilters(form, readForm, readForm);
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
