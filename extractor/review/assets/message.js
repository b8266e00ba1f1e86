// Messages, shown between the header and the content, where they cover nothing.

const box = document.querySelector(".message");
let timer = 0;

/** Show a message for a while, with an optional link. */
export function say(words, link = null) {
  box.replaceChildren(words, ...(link ? [" ", link] : []));
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(hush, link ? 30000 : 8000);
}

/** Clear the message, also for screen readers. */
export function hush() {
  box.hidden = true;
  box.replaceChildren();
}
