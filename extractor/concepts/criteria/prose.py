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
    inside = {
        found.end() - 1 for found in _ENTITY.finditer(raw, block.start, block.end)
    }
    for first, last in split_sentences(raw[block.start : block.end]):
        depth = 0
        borders = [block.start + first - 1]
        for at in range(block.start + first, block.start + last):
            depth += _DEPTH.get(raw[at], 0)
            if raw[at] in ";；" and depth <= 0 and at not in inside:
                borders.append(at)
        for before, behind in pairwise([*borders, block.start + last]):
            start, _ = strip_span(raw, before + 1, behind, " \t\r\n,;")
            _, end = strip_span(raw, start, behind, " \t\r\n;")
            if end - start > 2:
                yield block.section.between(start, end).alone()
