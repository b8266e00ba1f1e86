"""The free text of a record, and where it promises to measure something: lists of endpoints, outcomes, objectives."""

from collections.abc import Iterator
from dataclasses import dataclass

from extractor.schemas import Concept
from extractor.text.book import find_terms, rule
from extractor.text.lexer import Tokens
from extractor.text.patterns import Found

_STOPS = frozenset(".;!?")
_LONGEST_SENTENCE = 80
"""Tokens of a sentence on either side of a place; what is longer is a list or a damaged text."""


@dataclass(frozen=True, slots=True)
class Prose:
    """The tokens of a section."""

    section: str
    tokens: Tokens

    @property
    def text(self) -> str:
        return self.tokens.text

    @property
    def is_title(self) -> bool:
        return self.section in {"title", "official_title"}

    def sentence(self, first: int, end: int) -> tuple[int, int]:
        """The sentence that holds some tokens, at most ``_LONGEST_SENTENCE`` to either side.

        >>> from extractor.text.book import read_text
        >>> prose = Prose("title", read_text("It is open. We will enroll 12 adults. All are seen twice."))
        >>> prose.tokens.read(*prose.sentence(6, 7))
        'We will enroll 12 adults.'
        """
        low, high = max(0, first - _LONGEST_SENTENCE), min(len(self.tokens), end + _LONGEST_SENTENCE)
        first = next((at + 1 for at in range(first - 1, low - 1, -1) if self._stops(at)), low)
        return first, next((at + 1 for at in range(end, high) if self._stops(at)), high)

    def clause(self, at: int, reach: int) -> int:
        """Where the clause of a token begins, at most ``reach`` tokens before it."""
        low = max(0, at - reach)
        return next((one + 1 for one in range(at - 1, low - 1, -1) if self._parts_clauses(one)), low)

    def clause_end(self, at: int, end: int) -> int:
        """Where the clause of a token ends."""
        return next((one for one in range(at, end) if self._parts_clauses(one)), end)

    def paragraph_end(self, at: int, end: int) -> int | None:
        """The next full stop or blank line; None if there is none."""
        tokens = self.tokens
        stops = (one for one in range(at, end) if tokens.words[one] == "." and self._stops(one))
        blank = tokens.codes.find("\n\n", at, end)
        return next(stops, None) if blank < 0 else min(next(stops, blank), blank)

    def _parts_clauses(self, at: int) -> bool:
        return self.tokens.words[at] == ";" or (self.tokens.words[at] in ".\n" and self._stops(at))

    def has(self, name: str, first: int, end: int) -> Found | None:
        """The first place of a rule between two tokens."""
        return rule(name).search(self.tokens, first, end)

    def _stops(self, at: int) -> bool:
        word = self.tokens.words[at]
        return word == "\n" or (word in _STOPS and (at + 1 == len(self.tokens) or not self.tokens.joined(at + 1)))


@dataclass(frozen=True, slots=True)
class PromiseList:
    """The tokens ``first:end`` of the prose list what will be measured.

    ``rank`` is the word before the noun in lower case, such as "primary", or empty; ``is_endpoint`` says that the text
    speaks of endpoints or outcomes, not of objectives.
    """

    prose: Prose
    first: int
    end: int
    rank: str
    is_endpoint: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """The tokens ``first:end`` name an endpoint in a list; what is said of it ends at ``clause_end`` at the latest."""

    concept: Concept
    listed: PromiseList
    first: int
    end: int
    clause_end: int

    @property
    def section(self) -> str:
        return self.listed.prose.section

    @property
    def tokens(self) -> Tokens:
        return self.listed.prose.tokens

    @property
    def words(self) -> str:
        return self.tokens.read(self.first, self.end)


PROMISED_NAMES = "promised_endpoints"
"""The vocabulary of their names."""
_UNBINDING = {"exploratory", "tertiary", "correlative", "translational", "surrogate"}
_WEAK = {"clinical", "efficacy", "safety", "key", "main", ""}
"""Words beside "outcomes" that may speak of anything; then the text must say that they will be measured."""
_LONGEST = 250
"""Tokens of a list of endpoints."""
_REACH = 28
"""How many tokens in front of a word what governs it may stand."""


def find_promises(listed: PromiseList) -> Iterator[Promise]:
    """Every endpoint that a list names.

    >>> from extractor.text.book import read_text
    >>> prose = Prose("brief_summary", read_text("Secondary endpoints are overall survival and relapse at 1 year."))
    >>> [promise.words for listed in find_lists(prose) for promise in find_promises(listed)]
    ['overall survival', 'relapse']
    """
    prose, tokens = listed.prose, listed.prose.tokens
    for term in find_terms(tokens, PROMISED_NAMES, listed.first, listed.end):
        opening = max(listed.first, prose.clause(term.first, _REACH))
        part = next((at + 1 for at in range(term.first - 1, opening - 1, -1) if tokens.words[at] == ","), opening)
        if tokens.read(term.first, term.end) == "PCR" and "patholog" not in prose.text.lower():
            continue  # the polymerase chain reaction; the response is written "pCR"
        if prose.has("names_in_passing", part, term.first):
            continue
        if not listed.is_endpoint and prose.has("names_an_aim", opening, term.first):
            continue
        clause_end = prose.clause_end(term.end, listed.end)
        yield Promise(Concept(term.value), listed, term.first, term.end, clause_end)


def find_lists(prose: Prose) -> Iterator[PromiseList]:
    """The parts of a text that say what the trial will measure, or which objectives it has.

    >>> from extractor.text.book import read_text
    >>> prose = Prose("brief_summary", read_text("Death is the primary endpoint. Earlier trials failed."))
    >>> [listed.rank for listed in find_lists(prose)]
    ['primary']
    """
    yield from _find_opened_lists(prose)
    yield from _find_closed_lists(prose)


def _find_opened_lists(prose: Prose) -> Iterator[PromiseList]:
    """Lists behind their noun: "secondary endpoints are ..."."""
    tokens = prose.tokens
    triggers = list(rule("opens_promises").find(tokens))
    limits = [*(trigger.first for trigger in triggers[1:]), len(tokens)]
    for trigger, limit in zip(triggers, limits, strict=False):
        opening = prose.clause(trigger.first, _REACH)
        found = rule("rank_before").ends(tokens, trigger.first, opening)
        rank = (found.read("rank") or "").lower() if found else ""
        if not _binds(prose, trigger, opening, rank):
            continue
        longest = min(limit, trigger.end + _LONGEST)
        if tokens.codes[trigger.end : trigger.end + 1] == "\n":
            block_end = prose.has("ends_block", trigger.end, longest)
            end = block_end.first if block_end else None
        else:
            end = prose.paragraph_end(trigger.end, longest)
        yield PromiseList(prose, trigger.end, longest if end is None else end, rank, not _names_objective(trigger))


def _find_closed_lists(prose: Prose) -> Iterator[PromiseList]:
    """Lists in front of their noun."""
    for trigger in rule("closes_promises").find(prose.tokens):
        first, _ = prose.sentence(trigger.first, trigger.end)
        if not prose.has("told_by_others", first, trigger.first):
            yield PromiseList(prose, first, trigger.first, (trigger.read("rank") or "").lower(), is_endpoint=True)


def _binds(prose: Prose, trigger: Found, opening: int, rank: str) -> bool:
    """Whether the list is of what this trial will measure, and must register."""
    tokens = prose.tokens
    end = prose.paragraph_end(trigger.end, min(len(tokens), trigger.end + _LONGEST))
    end = min(len(tokens), trigger.end + _REACH) if end is None else end
    if rank in _UNBINDING or prose.has("told_by_others", opening, min(end, trigger.first + _REACH)):
        return False
    if rank not in _WEAK:
        return True
    if not rank and rule("governs").ends(tokens, trigger.first, opening):
        return False
    if _names_objective(trigger):
        return tokens.words[trigger.end - 1] == ":"
    is_outcome = (trigger.read("noun") or "").lower().startswith("outcome")
    return not is_outcome or tokens.words[end - 1] == ":" or prose.has("will_happen", trigger.first, end) is not None


def _names_objective(trigger: Found) -> bool:
    return (trigger.read("noun") or "").lower().startswith("objective")
