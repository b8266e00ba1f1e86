"""Criteria in running text: sentences of a summary or a description that state whom the trial
admits.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from extractor.concepts.criteria.lines import LineRole, OutlineEntry, TextLine
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.lexer import NUMBER
from extractor.language.passage import Passage, split_sentences, strip_span
from extractor.schemas import CriterionKind

_DEPTH = {"(": 1, "[": 1, "（": 1, ")": -1, "]": -1, "）": -1}
_ENTITY = re.compile(
    r"&(?:amp;)?(?:[gl][te]|amp|nbsp|plusmn|micro|deg|times|#\d{2,6}|#x[0-9a-fA-F]{2,5});"
)
"""The semicolon of an entity ends no clause: "a body weight of &ge;50 kg"."""
_LISTS = frozenset({"eligibility", "inclusion", "exclusion"})


def find_suspects(passages: Iterable[Passage]) -> Iterable[OutlineEntry]:
    """Return sentences of running text that may be criteria, each once.

    >>> text = (
    ...     "Asthma is common. Patients are eligible if they are over 12. The dose is raised "
    ...     "weekly."
    ... )
    >>> [
    ...     (entry.passage.text, entry.role.value)
    ...     for entry in find_suspects([read_passage(text, "brief_summary")])
    ... ]
    [('Patients are eligible if they are over 12.', 'criterion')]
    """
    found: dict[str, OutlineEntry] = {}
    for entry in (entry for passage in passages for entry in _read_prose(passage)):
        found.setdefault(" ".join(entry.passage.text.lower().split()), entry)
    return found.values()


def _read_prose(passage: Passage) -> Iterator[OutlineEntry]:
    under: CriterionKind | None = None
    for sentence in list_sentences(passage):
        tokens = sentence.tokens
        course = rule("trial_course").search(tokens)
        role = LineRole.SUSPECT
        case = (
            "suspect sentence of the trial's course" if course else "suspect sentence"
        )
        # opens a list, or something else: "Design:"
        if tokens.codes.endswith(":") and 1 < len(tokens) <= 7:
            words = [word.lower() for word in tokens.words if word.isalpha()][-2:]
            named = words and (
                words[-1] in _LISTS or (words[-1] == "criteria" and words[0] in _LISTS)
            )
            kind = (
                CriterionKind.EXCLUSION
                if "exclusion" in words
                else CriterionKind.INCLUSION
            )
            under = kind if named else None
            continue
        if under:
            role = LineRole.CRITERION
            case = "sentence under a heading"
        elif rule("states_criterion").search(tokens):
            stating = (
                (LineRole.CRITERION, "stating sentence"),
                (LineRole.SUSPECT, "stating sentence of the trial's course"),
            )
            role, case = stating[bool(course)]
        elif not rule("suspects_criterion").search(tokens):
            continue
        yield OutlineEntry(
            sentence, under, role, listed=False, confidence=measured("criterion", case)
        )


def list_sentences(passage: Passage) -> Iterator[Passage]:
    """Yield the sentences of a passage, without their bullets."""
    tokens = passage.tokens
    for start, end in split_sentences(tokens.text):
        first = tokens.at(start)
        last = tokens.before(end)
        codes = tokens.codes[first : first + 2]
        if codes[:1] in "-*•":
            first += 1
        elif codes in (f"{NUMBER}.", f"{NUMBER})"):
            first += 2
        if first < last:
            yield passage.part(first, last).alone()


def split_clauses(block: TextLine) -> Iterator[Passage]:
    """Yield the sentences of a block, split at semicolons outside brackets."""
    raw = block.section.raw
    ends_of_entities = {
        entity.end() - 1 for entity in _ENTITY.finditer(raw, *block.span)
    }
    for first, last in split_sentences(raw[block.start : block.end]):
        start = block.start + first
        end = block.start + last
        semicolons = _find_semicolons(raw, start, end)
        borders = [at for at in semicolons if at not in ends_of_entities]
        for before, behind in pairwise([start - 1, *borders, end]):
            clause_start, _ = strip_span(raw, before + 1, behind, " \t\r\n,;")
            _, clause_end = strip_span(raw, clause_start, behind, " \t\r\n;")
            if clause_end - clause_start > 2:
                yield block.section.between(clause_start, clause_end).alone()


def _find_semicolons(raw: str, start: int, end: int) -> list[int]:
    """Return the places of the semicolons outside brackets."""
    semicolons: list[int] = []
    depth = 0
    for at in range(start, end):
        depth += _DEPTH.get(raw[at], 0)
        if depth <= 0 and raw[at] in ";；":
            semicolons.append(at)
    return semicolons
