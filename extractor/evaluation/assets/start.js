// Wire the page: the address is its state, filters and links change the address.

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = new Map(data.errors.map((error) => [error.id, error]));
  for (const error of data.errors) {
    const sides = [error.gold, error.predicted].flatMap(({ value, quote }) => [toLine(value), quote]);
    error.words = [...sides, error.record, error.field].join("\n").toLowerCase();
  }
  const find = (selector) => document.querySelector(selector);
  const page = {
    title: find("#errors-title"),
    form: find(".filters"),
    status: find(".status"),
    browser: find(".browser"),
    list: find(".list"),
    more: find(".more"),
    detail: find(".detail"),
    keys: find("dialog.help"),
  };
  let state = {};
  let found = [];
  let limit = STEP;

  function show(next) {
    const isSameList = writeState({ ...next, error: "" }) === writeState({ ...state, error: "" }) && found.length > 0;
    state = next;
    if (!isSameList) limit = STEP;
    found = selectErrors(data.errors, state);
    const error = byId.get(state.error);
    limit = Math.max(limit, found.indexOf(error) + 1);
    showFilters(page.form, state);
    showList(page, found, state, limit);
    page.status.textContent = describe(found, data.errors, state);
    page.browser.classList.toggle("opened", Boolean(state.error));
    showDetail(page, error, found, state, data.texts);
    page.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  function follow() {
    const next = readState(location.hash);
    if (next === null) return;
    const isBack = Boolean(state.error) && !next.error;
    const last = state.error;
    show(next);
    if (next.error) openDetail();
    else if (isBack) page.list.querySelector(`[data-id="${CSS.escape(last)}"]`)?.focus();
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

  function step(event) {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain || page.keys.open || event.target.closest("input, select, textarea")) return;
    const act = {
      j: () => go(page.detail.querySelector(".next[href]")),
      k: () => go(page.detail.querySelector(".previous[href]")),
      "/": () => page.form.text.focus(),
      "?": () => page.keys.showModal(),
    }[event.key];
    if (act) event.preventDefault();
    act?.();
  }

  fillFilters(page.form, data.errors);
  page.form.addEventListener("input", filter);
  page.form.addEventListener("submit", (event) => event.preventDefault());
  page.form.clear.addEventListener("click", () => {
    page.form.reset();
    show({});
    history.replaceState(null, "", "#errors");
  });
  page.more.addEventListener("click", () => {
    const next = limit;
    limit += STEP;
    showList(page, found, state, limit);
    page.list.children[next]?.querySelector("a").focus();
  });
  page.list.addEventListener("keydown", moveInList);
  document.addEventListener("keydown", step);
  find(".keys-button").addEventListener("click", () => page.keys.showModal());
  addEventListener("hashchange", follow);
  show({});
  follow();
}

start();
