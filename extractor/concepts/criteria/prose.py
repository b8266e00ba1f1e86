"""Find criteria in running text: the sentences and clauses of a paragraph, and the sentences of a
description.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from extractor.concepts.criteria.entries import Entry
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.passage import Passage, split_sentences
from extractor.schemas import CriterionKind

_MANY = 3
"""Minimum number of clauses that a paragraph must contain to be read as a list even if there are
other paragraphs.
"""
_OPEN = frozenset("([")
_CLOSED = frozenset(")]")


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


def split_clauses(passage: Passage) -> Iterator[Passage]:
    """Yield the parts of a passage, split at semicolons outside brackets."""
    depth = 0
    edges = [passage.first - 1]
    for place in range(passage.first, passage.end):
        word = passage.tokens.words[place]
        depth = max(depth + (word in _OPEN) - (word in _CLOSED), 0)
        if word == ";" and depth == 0:
            edges.append(place)
    for before, end in pairwise([*edges, passage.end]):
        if end > before + 1:
            yield passage.part(before + 1, end)


def split_prose(entry: Entry, *, in_line: bool, in_prose: bool) -> list[Entry]:
    """Split a paragraph into entries. It is split at semicolons if it is on the same line as its
    heading (``in_line``), is the only paragraph of its list (``in_prose``), or is itself a list.
    It is split into sentences only if it is ``in_prose`` and is not a single clause on the line of
    its heading. The paragraph must contain words.
    """
    clauses = list(split_clauses(entry.passage))
    # a paragraph among others is also a list if it has several clauses; "A; B; or C" has two
    is_joined = clauses[-1].text.lower().startswith(("or ", "and "))
    is_list = len(clauses) >= _MANY + is_joined and ":" not in clauses[0].text
    if not in_line and not in_prose and not is_list:
        return [entry]
    parts = clauses
    if in_prose and (len(clauses) > 1 or not in_line):
        parts = [part for clause in clauses for part in list_sentences(clause)]
    # sentences without semicolons are running text rather than a list
    is_running = len(clauses) == 1 and len(parts) > 1
    return [replace(entry, passage=part, listed=not is_running) for part in parts]


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
