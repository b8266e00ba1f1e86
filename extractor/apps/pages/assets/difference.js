// The difference between two texts.

/** Beyond so many pairs of words, comparing two texts would hold up the page. */
const MOST_PAIRS = 400000;

/** Words, numbers with their digits, white space, and each other sign. */
const PIECES = /\s+|\p{N}+(?:[.,]\p{N}+)*|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu;

/** Split two texts into pieces, each with whether the other text lacks it, along their longest common subsequence. */
function compareTexts(oldText, newText) {
  const oldWords = oldText.match(PIECES) || [];
  const newWords = newText.match(PIECES) || [];
  const width = newWords.length + 1;
  if (oldWords.length * width > MOST_PAIRS) return [[{ text: oldText, apart: false }], [{ text: newText, apart: false }]];
  // ``common[i * width + j]`` is the number of words that both have in common from old word i and new word j on.
  const common = new Uint16Array((oldWords.length + 1) * width);
  for (let i = oldWords.length - 1; i >= 0; i--) {
    for (let j = newWords.length - 1; j >= 0; j--) {
      const place = i * width + j;
      if (oldWords[i] === newWords[j]) common[place] = common[place + width + 1] + 1;
      else common[place] = Math.max(common[place + width], common[place + 1]);
    }
  }
  const oldPieces = [];
  const newPieces = [];
  let i = 0;
  let j = 0;
  while (i < oldWords.length && j < newWords.length) {
    if (oldWords[i] === newWords[j]) {
      oldPieces.push({ text: oldWords[i++], apart: false });
      newPieces.push({ text: newWords[j++], apart: false });
    } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) {
      oldPieces.push({ text: oldWords[i++], apart: true });
    } else {
      newPieces.push({ text: newWords[j++], apart: true });
    }
  }
  // One text has ended: the rest of the other is its own.
  for (const text of oldWords.slice(i)) oldPieces.push({ text, apart: true });
  for (const text of newWords.slice(j)) newPieces.push({ text, apart: true });
  return [oldPieces, newPieces];
}

/** The pieces of a text, with the words that the other text lacks in elements of this kind. */
function showDifference(pieces, tag) {
  return pieces.map(({ text, apart }) => (apart && text.trim() ? make(tag, {}, text) : text));
}
