"""Where a quote stands in a text, allowing only differences that change nothing."""

import re
from dataclasses import dataclass
from enum import StrEnum

from extractor.parse.clean import CleanText, clean_text

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

    A quote never matches inside a word or a number: "5 mg" does not stand in "15 mg".
    """
    words = clean_text(quote).text.split()
    if not words:
        return None
    found = re.compile(_quote_expression(words), re.IGNORECASE).search(cleaned.text, start, _limit(cleaned, end))
    return found.span() if found else None


def _quote_expression(words: list[str]) -> str:
    first, last = words[0][0], words[-1][-1]
    before = r"(?<!\w)(?<!\d[.,])" if first.isdigit() else r"(?<!\w)" if first.isalnum() else ""
    after = r"(?!\w)(?![.,]\d)" if last.isdigit() else r"(?!\w)" if last.isalnum() else ""
    return before + r"\s+".join(map(re.escape, words)) + after


def _limit(cleaned: CleanText, end: int | None) -> int:
    return len(cleaned.text) if end is None else end
