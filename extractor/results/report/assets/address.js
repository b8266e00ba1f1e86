// The address is the page's state: "#" the overview, "#?field=dosing" the list, "#NCT00000000/dosing[0].amounts" a value.

const FILTERS = ["text", "field", "absence", "finding", "origin", "below", "sort"];

/** Parse an address. */
function readAddress(hash) {
  if (hash.length < 2) return { view: "overview" };
  if (hash[1] === "?") {
    return { view: "records", filters: readQuery(FILTERS, hash.slice(2)) };
  }
  const [id, ...path] = hash.slice(1).split("/");
  return { view: "record", id: decode(id), path: decode(path.join("/")) };
}

/** The address of the filtered list. */
function writeList(filters) {
  return `#?${new URLSearchParams(FILTERS.filter((name) => filters[name]).map((name) => [name, filters[name]]))}`;
}

/** The address of a record, or of a value in it. Brackets stay unescaped, to be readable. */
function writeRecord(id, path = "") {
  const encode = (text) => encodeURIComponent(text).replaceAll("%5B", "[").replaceAll("%5D", "]");
  return `#${encode(id)}${path && "/"}${encode(path)}`;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
