"""Where a quote stands in a text, allowing only differences that change nothing."""

import re
from dataclasses import dataclass
from enum import StrEnum

from extractor.parse.clean import CleanText, clean_text

from .edges import is_clean_cut

__all__ = ["QuoteCheck", "QuoteStatus", "locate_quote", "verify_quote"]


class QuoteStatus(StrEnum):
    """How a quote agrees with the text.

    - ``exact``: the same characters.
    - ``folded``: the same but for case, white space, escapes, damaged encoding, dashes, quotation marks.
    - ``conflict``: it stands there with another number, unit, comparator or negation.
    - ``absent``: it does not stand there.
    """

    EXACT = "exact"
    FOLDED = "folded"
    CONFLICT = "conflict"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """The verdict on a quote; ``start:end`` are offsets into the text that was searched."""

    status: QuoteStatus
    start: int | None = None
    end: int | None = None
    conflicts: tuple[str, ...] = ()


def verify_quote(quote: str, text: str) -> QuoteCheck:
    r"""Say whether ``quote`` stands in ``text``, and where.

    >>> verify_quote("ECOG 0-2", "Adults with ECOG\n 0–2.")
    QuoteCheck(status=<QuoteStatus.FOLDED: 'folded'>, start=12, end=21, conflicts=())
    >>> verify_quote("ECOG 0-1", "Adults with ECOG 0-2.").status.value
    'absent'
    """
    cleaned = clean_text(text)
    found = locate_quote(quote, cleaned)
    if found is None:
        return QuoteCheck(QuoteStatus.ABSENT)
    start, end = cleaned.raw_span(*found)
    status = QuoteStatus.EXACT if text[start:end] == quote else QuoteStatus.FOLDED
    return QuoteCheck(status, start, end)


def locate_quote(quote: str, cleaned: CleanText, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """First place of ``quote`` in ``cleaned.text[start:end]``, as offsets into ``cleaned.text``, or None.

    A quote never stands for a part of a word, a number, a comparator or a unit: "5 mg" does not stand in
    "15 mg", "-5 mg" or "5 mg/kg", and "= 5" not in ">= 5".
    """
    words = clean_text(quote).text.split()
    if not words:
        return None
    text, limit = cleaned.text, len(cleaned.text) if end is None else end
    expression = re.compile(_quote_expression(words), re.IGNORECASE)
    places = (found.span() for found in expression.finditer(text, start, limit))
    return next((place for place in places if is_clean_cut(text, *place)), None)


def _quote_expression(words: list[str]) -> str:
    # The tests of words' edges are repeated here to fail early.
    before = r"(?<!\w)" if words[0][0].isalnum() else ""
    after = r"(?!\w)" if words[-1][-1].isalnum() else ""
    return before + r"\s+".join(map(re.escape, words)) + after
