// The difference between two texts.

/** Split two texts into pieces, each with whether the other text lacks it, by words along their longest common run. */
function compareTexts(one, other) {
  const [ours, theirs] = [one, other].map((text) => text.match(/\s+|\p{N}+(?:[.,]\p{N}+)*|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) || []);
  const width = theirs.length + 1;
  if (ours.length * width > 400000) return [[{ text: one, apart: false }], [{ text: other, apart: false }]];
  const common = new Uint16Array((ours.length + 1) * width);
  for (let i = ours.length - 1; i >= 0; i--) {
    for (let j = theirs.length - 1; j >= 0; j--) {
      const place = i * width + j;
      const without = Math.max(common[place + width], common[place + 1]);
      common[place] = ours[i] === theirs[j] ? common[place + width + 1] + 1 : without;
    }
  }
  const pieces = [[], []];
  let [i, j] = [0, 0];
  while (i < ours.length || j < theirs.length) {
    if (i < ours.length && j < theirs.length && ours[i] === theirs[j]) {
      pieces[0].push({ text: ours[i++], apart: false });
      pieces[1].push({ text: theirs[j++], apart: false });
    } else if (j === theirs.length || (i < ours.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      pieces[0].push({ text: ours[i++], apart: true });
    } else {
      pieces[1].push({ text: theirs[j++], apart: true });
    }
  }
  return pieces;
}

/** The pieces of a text, with the words that the other text lacks in elements of this kind. */
function showDifference(pieces, tag) {
  return pieces.map(({ text, apart }) => (apart && text.trim() ? make(tag, {}, text) : text));
}
