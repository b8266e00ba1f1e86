// Keys of the whole page.

/** Wire the keys: ``page`` maps each key to its action. */
function listenToKeys(page) {
  const dialog = document.querySelector("dialog.help");
  const actions = {
    "/": () => page.search(),
    "?": () => dialog.showModal(),
    o: () => page.overview(),
    j: () => page.step(1),
    k: () => page.step(-1),
    n: () => page.stepValue(1),
    p: () => page.stepValue(-1),
    Escape: () => page.back(),
  };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select, textarea");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain || dialog.open || !Object.hasOwn(actions, event.key)) return;
    if (isTyping && event.key === "Escape") event.target.blur();
    if (isTyping) return;
    event.preventDefault();
    actions[event.key]();
  });
  document.querySelector(".keys-button").addEventListener("click", () => dialog.showModal());
}
