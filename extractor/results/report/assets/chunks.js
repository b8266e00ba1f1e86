// The page holds records in compressed chunks. A chunk is unpacked when one of its records is shown.

const KEPT = 4;

/** Counts of unpacked chunks and JSON characters, for benchmarks. */
const opened = { chunks: 0, characters: 0 };

/** Read the compressed JSON in an element. */
async function unpack(id) {
  const letters = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(stream).text();
  opened.characters += text.length;
  return JSON.parse(text);
}

/** Rows of the list as objects. */
function readRows({ rows, facts: known }) {
  return rows.map(([id, title, place, items, [empty, findings], sure, facts], number) => {
    return { id, title, place, items, empty, findings, sure, number, facts: facts.map((fact) => known[fact]) };
  });
}

/** A small cache of unpacked chunks by number, the last used at the end. */
const chunks = new Map();

/** The record of a row. */
async function openRecord({ place: [number, position] }) {
  const chunk = chunks.get(number) || unpack(`chunk-${number}`);
  if (!chunks.has(number)) opened.chunks += 1;
  chunks.delete(number);
  chunks.set(number, chunk);
  if (chunks.size > KEPT) chunks.delete(chunks.keys().next().value);
  return (await chunk)[position];
}
