// What the page says of what was done: between its head and its content, where it covers nothing.

const box = document.querySelector(".message");
let timer = 0;

/** Say something for a while, with a link to where it leads. */
export function say(words, link = null) {
  box.replaceChildren(words, ...(link ? [" ", link] : []));
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(hush, link ? 30000 : 8000);
}

/** Take back what was said: nothing of it is left to be read aloud. */
export function hush() {
  box.hidden = true;
  box.replaceChildren();
}
