"""Criteria in running text: sentences and clauses of a paragraph, sentences of a description."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.concepts.criteria.entries import Entry
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.passage import Passage, split_sentences
from extractor.schemas import CriterionKind

_MANY = 3
"""The clauses that a paragraph among others has at most, without being a list of them."""
_JOINED = re.compile(r"(?:or|and)\b", re.IGNORECASE)
_FEW_WORDS = 3
"""The most words of a clause that is a name."""
_OPEN = {"(": ")", "[": "]"}


def list_sentences(passage: Passage) -> Iterator[Passage]:
    """Yield the sentences of a passage."""
    tokens = passage.tokens
    start, end = tokens.span(passage.first, passage.end) if len(tokens) else (0, 0)
    for first, stop in split_sentences(tokens.text[start:end]):
        part = passage.part(tokens.at(start + first), tokens.before(start + stop))
        if part.end > part.first:
            yield part


def split_clauses(passage: Passage) -> Iterator[Passage]:
    """Yield the parts of a passage between semicolons outside brackets, without signs around
    them.
    """
    words = passage.tokens.words
    depth = 0
    first = passage.first
    for place in range(passage.first, passage.end + 1):
        word = words[place] if place < passage.end else ";"
        if word in _OPEN:
            depth += 1
        elif word in _OPEN.values():
            depth = max(depth - 1, 0)
        is_end = place == passage.end or (word == ";" and depth <= 0)
        if not is_end:
            continue
        part = _strip(passage.part(first, place))
        if part.end > part.first:
            yield part
        first = place + 1


def _strip(passage: Passage) -> Passage:
    first = passage.first
    end = passage.end
    words = passage.tokens.words
    while end > first and words[end - 1] in (";", ","):
        end -= 1
    while first < end and words[first] in (";", ",", "."):
        first += 1
    return passage.part(first, end)


def split_prose(entry: Entry, *, in_line: bool, in_prose: bool) -> list[Entry]:
    """Return the entries of a paragraph: its clauses between semicolons, if it is ``in_line`` with
    its heading or ``in_prose``, a list without items; its sentences, if in prose.
    """
    clauses = list(split_clauses(entry.passage))
    if not clauses:
        return [entry]
    if not in_line and not in_prose and not _are_many(clauses):
        return [entry]
    if len(clauses) > 1 and in_prose:
        clauses = [part for clause in clauses for part in list_sentences(clause)]
    if in_line or len(clauses) > 1 or not in_prose:
        return [replace(entry, passage=clause) for clause in clauses]
    sentences = list(list_sentences(entry.passage))
    if len(sentences) < 2:
        return [replace(entry, passage=clause) for clause in clauses]
    return [replace(entry, passage=sentence, listed=False) for sentence in sentences]


def _are_many(clauses: Sequence[Passage]) -> bool:
    """Return whether the clauses of a paragraph among others make it a list: more than three, or
    three names that no word joins.
    """
    if ":" in clauses[0].text or len(clauses) < _MANY:
        return False
    are_names = all(len(clause.raw.split()) <= _FEW_WORDS for clause in clauses)
    is_joined = _JOINED.match(clauses[-1].raw) is not None
    return len(clauses) > _MANY or (are_names and not is_joined)


def find_suspects(descriptions: Sequence[Passage]) -> Iterator[Entry]:
    """Yield the sentences of descriptions that are criteria, or may be."""
    seen: set[str] = set()
    for description in descriptions:
        for sentence in list_sentences(description):
            entry = _read_sentence(sentence.alone())
            if entry and entry.passage.text not in seen:
                seen.add(entry.passage.text)
                yield entry


def _read_sentence(sentence: Passage) -> Entry | None:
    tokens = sentence.tokens
    states = rule("states_criterion").occurs(tokens)
    if not states and not rule("suspects_criterion").occurs(tokens):
        return None
    case = "stating sentence" if states else "suspect sentence"
    of_course = rule("trial_course").occurs(tokens)
    if of_course:
        case += " of the trial's course"
    refuses = rule("refusal").occurs(tokens)
    kind = CriterionKind.EXCLUSION if refuses else CriterionKind.INCLUSION
    return Entry(
        sentence,
        kind,
        stands=states,
        listed=False,
        confidence=measured("criterion", case),
    )
