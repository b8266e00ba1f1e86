"""Whether a criterion's statement is negated."""

from extractor.parse.parsed import Reading, Span, share
from extractor.schemas import Support
from extractor.text.book import rule
from extractor.text.passage import Passage

__all__ = ["read_negation"]

_MEASURED = {True: (60, 60), False: (4824, 4851)}
"""How often an answer was right, of how many criteria of 290 records. 60 negated ones were read by eye, and 60 of the
541 others that have a word of negation, of which 57 were right.
"""


def read_negation(passage: Passage) -> Reading[bool | None]:
    """Whether the statement of a criterion is negated, and the words that negate it.

    >>> from extractor.text.passage import read_passage
    >>> [read_negation(read_passage(text)).value for text in ("No history of stroke", "Asthma, no matter how severe")]
    [True, False]
    """
    found = rule("negated_statement").starts(passage.tokens, passage.first, passage.end)
    quote = passage.part(found.first, found.end) if found else passage
    span = Span(passage.section.name, *quote.raw_span)
    return Reading(found is not None, share(_MEASURED[found is not None]), (span,), Support.INFERRED)
