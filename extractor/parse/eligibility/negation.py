"""Whether a criterion's statement is negated."""

from extractor.parse.parsed import Reading, span_of
from extractor.parse.scoring import measured
from extractor.schemas import Support
from extractor.text.book import rule
from extractor.text.passage import Passage

__all__ = ["read_negation"]


def read_negation(passage: Passage) -> Reading[bool | None]:
    """Whether the statement of a criterion is negated, and the words that negate it.

    >>> from extractor.text.passage import read_passage
    >>> [read_negation(read_passage(text)).value for text in ("No history of stroke", "Asthma, no matter how severe")]
    [True, False]
    """
    found = rule("negated_statement").starts(passage.tokens, passage.first, passage.end)
    quote = passage.part(found.first, found.end) if found else passage
    confidence = measured("negated", "negated" if found else "not negated")
    return Reading(found is not None, confidence, (span_of(quote),), Support.INFERRED)
