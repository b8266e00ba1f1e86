// The queue: all records of the run, filtered.

const SHOWN = 200;
const queuePage = document.querySelector("#queue");
const queueForm = queuePage.querySelector("form");
let queueRows = [];

async function showQueue() {
  queueRows = await get("queue");
  drawQueue();
}

function drawQueue() {
  const words = queueForm.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = queueRows.filter(({ id, title, reasons, state }) => {
    if (queueForm.unfinished.checked && state === "finished") return false;
    const text = [id, title, ...reasons].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const finished = queueRows.filter(({ state }) => state === "finished").length;
  const more = rows.length > SHOWN ? `; the first ${SHOWN} are shown` : "";
  queuePage.querySelector(".status").textContent =
    `${finished} of ${count(queueRows.length, "record")} finished; ${rows.length.toLocaleString("en")} found${more}`;
  queuePage.querySelector(".list").replaceChildren(...rows.slice(0, SHOWN).map(makeQueueLine));
}

function makeQueueLine({ id, title, reasons, state }) {
  const words = [
    make("span", { class: "row-title" }, make("code", {}, id), " ", title, " ", make("span", { class: "chip" }, state)),
    make("br"),
    make("span", { class: "row-note" }, reasons.join("; ") || "no doubtful values"),
  ];
  const isClosed = state === "no text";
  return make("li", {}, isClosed ? make("p", { class: "closed" }, words) : make("a", { href: `#record=${encodeURIComponent(id)}` }, words));
}

queueForm.addEventListener("input", drawQueue);
queueForm.addEventListener("submit", (event) => event.preventDefault());
