"""Criteria in running text: sentences of a summary or a description that state whom the trial
admits.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from extractor.concepts.criteria.lines import LineRole, OutlineEntry, TextLine
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.language.passage import Passage, split_sentences, strip_span
from extractor.schemas import CriterionKind

_DEPTH = {"(": 1, "[": 1, "（": 1, ")": -1, "]": -1, "）": -1}
_ENTITY = re.compile(
    r"&(?:amp;)?(?:[gl][te]|amp|nbsp|plusmn|micro|deg|times|#\d{2,6}|#x[0-9a-fA-F]{2,5});"
)
"""The semicolon of an entity ends no clause: "a body weight of &ge;50 kg"."""
_LISTS = frozenset({"eligibility", "inclusion", "exclusion"})


_MOST_TOKENS_OF_HEADING = 7


_BULLETS = "-*•"


def find_suspects(passages: Iterable[Passage]) -> Iterable[OutlineEntry]:
    """Return sentences of running text that may be criteria, each once, whatever its case and
    white space.

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
    first_by_words: dict[str, OutlineEntry] = {}
    for passage in passages:
        for entry in _read_prose(passage):
            words = " ".join(entry.passage.text.lower().split())
            first_by_words.setdefault(words, entry)
    return first_by_words.values()


def _read_prose(passage: Passage) -> Iterator[OutlineEntry]:
    """Yield the sentences of a passage that state a criterion, or that are suspected of it.

    Under a line such as "Inclusion criteria:" each sentence is a criterion of that list, until
    another short line with a colon. A sentence about the trial's course ("Patients will receive the
    drug") is only suspected. Headings and all other sentences are skipped.
    """
    under: CriterionKind | None = None
    for sentence in list_sentences(passage):
        tokens = sentence.tokens
        is_course = rule("trial_course").search(tokens) is not None
        if tokens.codes.endswith(":") and 1 < len(tokens) <= _MOST_TOKENS_OF_HEADING:
            under = _read_heading(tokens)
            continue
        role = LineRole.SUSPECT
        if under:
            role = LineRole.CRITERION
            case = "sentence under a heading"
        # as in "Patients are eligible if they are over 12."
        elif rule("states_criterion").search(tokens):
            case = "stating sentence of the trial's course"
            if not is_course:
                role = LineRole.CRITERION
                case = "stating sentence"
        # as in "We will enroll 40 patients with asthma"
        elif rule("suspects_criterion").search(tokens):
            case = "suspect sentence"
            if is_course:
                case = "suspect sentence of the trial's course"
        else:
            continue
        sure = measured("criterion", case)
        yield OutlineEntry(sentence, under, role, listed=False, confidence=sure)


def _read_heading(tokens: Tokens) -> CriterionKind | None:
    """Return the list that a short line with a colon opens by its last two words; None if it opens
    something else: "Design:".

    "Eligibility criteria:" opens inclusions.
    """
    last_words = [word.lower() for word in tokens.words if word.isalpha()][-2:]
    if not last_words:
        return None
    names_list = last_words[-1] in _LISTS
    if last_words[-1] == "criteria" and last_words[0] in _LISTS:
        names_list = True
    if not names_list:
        return None
    if "exclusion" in last_words:
        return CriterionKind.EXCLUSION
    return CriterionKind.INCLUSION


def list_sentences(passage: Passage) -> Iterator[Passage]:
    """Yield the sentences of a passage, without their bullets and numbers."""
    tokens = passage.tokens
    for start, end in split_sentences(tokens.text):
        first = tokens.at(start)
        last = tokens.before(end)
        codes = tokens.codes[first : first + 2]
        if codes[:1] in _BULLETS:
            first += 1
        elif codes in (f"{NUMBER}.", f"{NUMBER})"):
            first += 2
        if first < last:
            yield passage.part(first, last).alone()


def split_clauses(block: TextLine) -> Iterator[Passage]:
    """Yield the sentences of a block, split at semicolons outside brackets.

    A clause begins and ends with no comma or semicolon, except for that of an entity ("BMI &ge;"),
    and has at least three characters.
    """
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
            _, clause_end = strip_span(raw, clause_start, behind, " \t\r\n,;")
            if clause_end in ends_of_entities:
                clause_end += 1
            if clause_end - clause_start > 2:
                yield block.section.between(clause_start, clause_end).alone()


def _find_semicolons(raw: str, start: int, end: int) -> list[int]:
    """Return the places of the semicolons outside brackets in ``raw[start:end]``."""
    semicolons: list[int] = []
    depth = 0
    for at in range(start, end):
        # "a) aspirin (100 mg; daily)": a bracket that nothing opened
        depth = max(0, depth + _DEPTH.get(raw[at], 0))
        if depth <= 0 and raw[at] in ";；":
            semicolons.append(at)
    return semicolons
