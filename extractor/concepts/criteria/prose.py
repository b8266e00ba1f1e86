"""Find criteria in running text: the sentences and clauses of a paragraph, and the sentences of a
description.
"""

from collections.abc import Iterator, Sequence

from extractor.concepts.criteria.entries import Entry
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.passage import Passage, split_sentences
from extractor.schemas import CriterionKind


def list_sentences(passage: Passage) -> Iterator[Passage]:
    """Yield the sentences of a passage, or nothing if the passage is empty."""
    if passage.first == passage.end:
        return
    tokens = passage.tokens
    start, end = tokens.span(passage.first, passage.end)
    for first, stop in split_sentences(tokens.text[start:end]):
        part = passage.part(tokens.at(start + first), tokens.before(start + stop))
        if part.end > part.first:
            yield part


def find_suspects(descriptions: Sequence[Passage]) -> Iterator[Entry]:
    """Yield those sentences of the descriptions that are or may be criteria."""
    seen: set[str] = set()
    for description in descriptions:
        for sentence in list_sentences(description):
            entry = _read_sentence(sentence.alone())
            if entry and entry.passage.text not in seen:
                seen.add(entry.passage.text)
                yield entry


def _read_sentence(sentence: Passage) -> Entry | None:
    """Read a sentence as a criterion; return None if its words do not suggest one. Words about the
    course of the trial ("will be randomised to ...") lower the confidence.
    """
    tokens = sentence.tokens
    states = rule("states_criterion").occurs(tokens)
    if not states and not rule("suspects_criterion").occurs(tokens):
        return None
    case = "stating sentence" if states else "suspect sentence"
    if rule("trial_course").occurs(tokens):
        case += " of the trial's course"
    refuses = rule("refusal").occurs(tokens)
    kind = CriterionKind.EXCLUSION if refuses else CriterionKind.INCLUSION
    confidence = measured("criterion", case)
    return Entry(
        sentence, kind, is_criterion=states, listed=False, confidence=confidence
    )
