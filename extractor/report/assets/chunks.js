// Records lie in the page in compressed chunks. One is opened when a record of it is shown.

const KEPT = 4;

/** What has been opened so far, for those who measure: chunks, and characters of JSON. */
const opened = { chunks: 0, characters: 0 };

/** The JSON that an element holds, compressed. */
async function unpack(id) {
  const letters = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(stream).text();
  opened.characters += text.length;
  return JSON.parse(text);
}

/** Opened chunks by number, the last used at the end: a few are kept, the others are forgotten. */
const chunks = new Map();

/** The records of a chunk. */
function openChunk(number) {
  const found = chunks.get(number) || unpack(`chunk-${number}`);
  if (!chunks.has(number)) opened.chunks += 1;
  chunks.delete(number);
  chunks.set(number, found);
  if (chunks.size > KEPT) chunks.delete(chunks.keys().next().value);
  return found;
}

/** Rows of the list as objects. */
function readRows({ rows, facts: known }) {
  return rows.map(([id, title, place, items, [empty, findings], sure, facts], number) => ({
    id,
    title,
    place,
    items,
    empty,
    findings,
    sure,
    number,
    facts: facts.map((fact) => known[fact]),
  }));
}

/** The record of a row. */
async function openRecord({ place: [chunk, position] }) {
  return (await openChunk(chunk))[position];
}
