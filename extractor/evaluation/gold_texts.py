r"""Whether the quotes of gold stand in a record's text.

Two texts are the same if they differ only in runs of white space, case, and backslashes before
punctuation. Nothing else is forgiven: a gold quote is copied from the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from extractor.ground.quotes import QuoteStatus, verify_quote
from extractor.schemas import Rank, TrialRecord

from .gold_models import Flaw, shorten
from .places import find_places

__all__ = ["RecordTexts", "check_quote", "fold_quote", "read_texts"]

_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")


def fold_quote(text: str) -> str:
    r"""The text as the guideline compares it.

    >>> fold_quote("ECOG\n  \\<= 2")
    'ecog <= 2'
    """
    return " ".join(_ESCAPE.sub("", text).split()).casefold()


@dataclass(frozen=True, slots=True)
class RecordTexts:
    """The texts that gold can name: sections and, where a section holds a list in one cell, each of its items.

    ``outcomes`` are the places of the registered outcomes in the record's order.
    """

    raw: Mapping[str, str]
    folded: Mapping[str, str]
    outcomes: tuple[tuple[Rank, int], ...]


def read_texts(record: TrialRecord) -> RecordTexts:
    """The texts of one record. A flattened list of outcomes counts as its items: ``primary_outcomes[0]``, ..."""
    raw = {section.name: section.text for section in record.sections}
    places = find_places(record)
    texts = {name: raw[span.section][span.start : span.end] for name, span in places.spans.items()}
    return RecordTexts(texts, {name: fold_quote(text) for name, text in texts.items()}, places.outcomes)


def check_quote(texts: RecordTexts, path: str, quote: str | None, section: str) -> Flaw | None:
    """What is wrong with a quote from a section that the record has, or None."""
    if quote is None:
        return None
    words = fold_quote(quote)
    if not words:
        return Flaw(path, "is empty", "copy the words from the text, or write null where the guideline allows it")
    if words in texts.folded[section]:
        return _check_ends(texts, path, words, section)
    elsewhere = [name for name, text in texts.folded.items() if words in text]
    if elsewhere:
        return Flaw(path, f"{shorten(quote)} does not stand in {section}", f"it stands in {', '.join(elsewhere)}")
    found = verify_quote(quote, texts.raw[section])
    if found.status is QuoteStatus.FOLDED:
        text = texts.raw[section][found.start : found.end]
        return Flaw(
            path, f"{shorten(quote)} is written otherwise in {section}", f"copy it as it stands: {shorten(text)}"
        )
    return Flaw(path, f"{shorten(quote)} does not stand in {section}", _show_difference(words, texts.folded[section]))


def _check_ends(texts: RecordTexts, path: str, words: str, section: str) -> Flaw | None:
    before = r"(?<!\w)" if words[0].isalnum() else ""
    after = r"(?!\w)" if words[-1].isalnum() else ""
    if re.search(before + re.escape(words) + after, texts.folded[section]):
        return None
    return Flaw(path, f"{shorten(words)} begins or ends inside a word or number", "quote whole words")


def _show_difference(words: str, text: str) -> str:
    """Up to which word the quote agrees, and how the text goes on there."""
    parts = words.split()
    low, high = 0, len(parts)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if " ".join(parts[:middle]) in text else (low, middle - 1)
    if not low:
        return "copy it from the text"
    start = " ".join(parts[:low])
    end = text.index(start) + len(start)
    quoted, stated = shorten(" ".join(parts[low : low + 4])), shorten(text[end : end + 40])
    return f"after {shorten(start)} the quote has {quoted}, the text has {stated}"
