// Marks the words of each change that the other side lacks.

for (const change of document.querySelectorAll(".change")) {
  const quotes = [...change.querySelectorAll("blockquote")];
  if (quotes.length === 2) {
    const pieces = compareTexts(...quotes.map((quote) => quote.textContent));
    quotes.forEach((quote, side) => quote.replaceChildren(...showDifference(pieces[side], "mark")));
  }
}
