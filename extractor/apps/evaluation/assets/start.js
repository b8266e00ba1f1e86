// Wire the page: the address is its state, filters and links change the address.

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  if (data.names) nameSides(data.names);
  const byId = new Map(data.errors.map((error) => [error.id, error]));
  for (const error of data.errors) {
    const sides = [error.gold, error.predicted].flatMap((side) => [sayAll(side), side.quote]);
    error.words = [...sides, error.record, error.field].join("\n").toLowerCase();
  }
  const find = (selector) => document.querySelector(selector);
  const page = {
    title: find("#errors-title"),
    form: find(".filters"),
    status: find(".status"),
    browser: find(".browser"),
    detail: find(".detail"),
  };
  let state = {};
  let found = [];
  const list = new List(find(".scroller"), (error) => makeRow(error, state), `No ${ENTRY} matches.`);

  function show(next) {
    state = next;
    found = selectErrors(data.errors, state);
    const error = byId.get(state.error);
    for (const name of FILTERS) page.form[name].value = state[name] || "";
    page.status.textContent = `${found.length} of ${data.errors.length} ${ENTRY}s`;
    page.browser.classList.toggle("opened", Boolean(state.error));
    showDetail(page, error, found, state, data.views);
    list.current = error?.id;
    list.show(found);
    if (found.includes(error)) list.reveal(found.indexOf(error));
  }

  function follow() {
    const next = readState(location.hash);
    if (next === null) return;
    const isBack = Boolean(state.error) && !next.error;
    const last = state.error;
    show(next);
    if (next.error) openDetail();
    else if (isBack) list.focus(found.findIndex(({ id }) => id === last));
    else if (location.hash.length > 1) page.title.focus();
  }

  /** Follow a link at once: the next key may come before the browser follows a click. */
  function go(link) {
    if (!link) return;
    history.pushState(null, "", link.href);
    follow();
  }

  function openDetail() {
    page.detail.focus({ preventScroll: true });
    (innerWidth < 900 ? page.detail : page.form).scrollIntoView({ block: "start" });
  }

  function filter() {
    show(readFilters(page.form, state));
    history.replaceState(null, "", writeState(state));
  }

  fillFilters(page.form, data.errors, ({ kind, field }) => [`kind ${kind}`, ...nameField(field)], ["kind"]);
  const records = [...new Set(data.errors.map(({ record }) => record))].sort();
  find("#record-ids").append(...records.map((value) => make("option", { value })));
  wireFilters(page.form, filter, () => {
    show({});
    history.replaceState(null, "", "#errors");
  });
  listenToKeys({
    j: () => go(page.detail.querySelector(".next[href]")),
    k: () => go(page.detail.querySelector(".previous[href]")),
    "/": () => page.form.text.focus(),
  });
  addEventListener("hashchange", follow);
  show({});
  follow();
}

start();
