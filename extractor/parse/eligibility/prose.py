"""Criteria in running text: sentences of a summary or description that state who may take part."""

from collections.abc import Iterator
from dataclasses import dataclass

from extractor.schemas import CriterionKind
from extractor.text.book import rule
from extractor.text.lexer import NUMBER, Tokens
from extractor.text.passage import Passage
from extractor.text.sentences import split_sentences

__all__ = ["Suspect", "find_suspects", "read_sense", "split_clauses"]

_DEPTH = {"(": 1, "[": 1, "（": 1, ")": -1, "]": -1, "）": -1}
_LISTS = frozenset({"eligibility", "inclusion", "exclusion"})


@dataclass(frozen=True, slots=True)
class Suspect:
    """A sentence, which stands alone, that states (or may state) a criterion."""

    passage: Passage
    kind: CriterionKind
    stands: bool
    confidence: float


def read_sense(tokens: Tokens) -> CriterionKind:
    """The list in which a sentence belongs by its words.

    >>> from extractor.text.book import read_text
    >>> read_sense(read_text("Pregnant women will be excluded")).value
    'exclusion'
    """
    return CriterionKind.EXCLUSION if rule("refusal").search(tokens) else CriterionKind.INCLUSION


def find_suspects(passage: Passage) -> Iterator[Suspect]:
    """Sentences of running text that state who may take part, in order.

    >>> from extractor.text.passage import read_section
    >>> text = "Asthma is common. Patients are eligible if they are over 12. The dose is raised weekly."
    >>> [(s.passage.text, s.stands) for s in find_suspects(read_section("brief_summary", text).whole)]
    [('Patients are eligible if they are over 12.', True)]
    """
    under: CriterionKind | None = None
    for sentence in _sentences(passage):
        tokens = sentence.tokens
        if tokens.codes.endswith(":") and 1 < len(tokens) <= 7:
            under = _read_heading(tokens)
        elif under:
            yield Suspect(sentence, under, stands=True, confidence=0.8)
        elif rule("states_criterion").search(tokens):
            course = rule("trial_course").search(tokens)
            yield Suspect(sentence, read_sense(tokens), not course, 0.5 if course else 0.85)
        elif rule("suspects_criterion").search(tokens):
            course = rule("trial_course").search(tokens)
            yield Suspect(sentence, read_sense(tokens), stands=False, confidence=0.7 if course else 0.55)


def _sentences(passage: Passage) -> Iterator[Passage]:
    """The sentences of a passage, without the bullets in front of them."""
    tokens = passage.tokens
    for start, end in split_sentences(tokens.text):
        first, last = tokens.at(start), tokens.before(end)
        codes = tokens.codes[first : first + 2]
        first += 1 if codes[:1] in "-*•" else 2 if codes in (f"{NUMBER}.", f"{NUMBER})") else 0
        if first < last:
            yield passage.part(first, last).alone()


def _read_heading(tokens: Tokens) -> CriterionKind | None:
    """The list that a heading within a summary opens, None if it opens something else ("Design:")."""
    words = [word.lower() for word in tokens.words if word.isalpha()][-2:]
    if not words or (words[-1] not in _LISTS and (words[-1] != "criteria" or words[0] not in _LISTS)):
        return None
    return CriterionKind.EXCLUSION if "exclusion" in words else CriterionKind.INCLUSION


def split_clauses(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of ``raw[start:end]``, and the clauses that semicolons separate in them outside of brackets.

    >>> raw = "Adult; asthma (mild; stable). Consent."
    >>> [raw[first:last] for first, last in split_clauses(raw, 0, len(raw))]
    ['Adult', 'asthma (mild; stable).', 'Consent.']
    """
    for first, last in split_sentences(raw[start:end]):
        depth, done = 0, start + first
        for at in range(start + first, start + last):
            depth += _DEPTH.get(raw[at], 0)
            if raw[at] in ";；" and depth <= 0:
                yield from _strip(raw, done, at)
                done = at + 1
        yield from _strip(raw, done, start + last)


def _strip(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = raw[start:end]
    start += len(text) - len(text.lstrip(" \t\r\n,;"))
    end = start + len(raw[start:end].rstrip(" \t\r\n;"))
    if end - start > 2:
        yield start, end
