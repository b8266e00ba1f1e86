"""Find promised measurements in a text: lists of endpoints, outcomes and objectives."""

from collections.abc import Iterator
from typing import NamedTuple

from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection
from extractor.language.patterns import Found
from extractor.schemas import Concept

PROMISED_NAMES = "promised_endpoints"
"""Vocabulary of endpoints that a text may promise."""
_LONGEST_SENTENCE = 80
"""Most tokens of a sentence on either side of a place; a longer one is a list or damaged text."""
_UNBINDING = {"exploratory", "tertiary", "correlative", "translational", "surrogate"}
_WEAK = {"clinical", "efficacy", "safety", "key", "main", ""}
"""General words beside "outcomes"; with them the text must say that the outcomes will be
measured.
"""
_LONGEST = 250
"""Most tokens of a list of endpoints."""
_REACH = 28
"""Most tokens between a word and the words before it that govern it."""


class PromiseList(NamedTuple):
    """The tokens ``first:end`` of a section, which list endpoints or objectives.

    ``rank`` is the word before the noun in lower case, such as "primary", or empty; ``is_endpoint``
    is true for endpoints and outcomes, false for objectives.
    """

    section: LexedSection
    first: int
    end: int
    rank: str
    is_endpoint: bool


class Promise(NamedTuple):
    """The tokens ``first:end``, which name an endpoint in a list; what is said of it ends before
    the token ``clause_end``.
    """

    concept: Concept
    listed: PromiseList
    first: int
    end: int
    clause_end: int


def find_sentence(tokens: Tokens, first: int, end: int) -> tuple[int, int]:
    """Return the sentence around the tokens ``first:end``, as a range of tokens with its full stop,
    and at most ``_LONGEST_SENTENCE`` tokens to either side.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("It is open. We will enroll 12 adults. All are seen twice.")
    >>> tokens.read(*find_sentence(tokens, 6, 7))
    'We will enroll 12 adults.'
    """
    low = max(0, first - _LONGEST_SENTENCE)
    high = min(len(tokens), end + _LONGEST_SENTENCE)
    while first > low and not _stops(tokens, first - 1):
        first -= 1
    for at in range(end, high):
        if _stops(tokens, at):
            return first, at + 1
    return first, high


def find_promises(listed: PromiseList) -> Iterator[Promise]:
    """Yield every endpoint of the vocabulary that a list names.

    An endpoint that its part of the clause names only in passing is left out, and, in a list of
    objectives, one that is named as an aim.

    >>> from extractor.language.passage import read_section
    >>> text = read_section(
    ...     "brief_summary",
    ...     "Secondary endpoints are overall survival and relapse at 1 year.",
    ... )
    >>> [
    ...     text.tokens.read(one.first, one.end)
    ...     for listed in find_lists(text)
    ...     for one in find_promises(listed)
    ... ]
    ['overall survival', 'relapse']
    """
    tokens = listed.section.tokens
    for term in find_terms(tokens, PROMISED_NAMES, listed.first, listed.end):
        # "PCR" is the polymerase chain reaction; the pathological complete response is "pCR"
        is_pcr = tokens.read(term.first, term.end) == "PCR"
        if is_pcr and "patholog" not in tokens.text.lower():
            continue
        opening = max(listed.first, _find_clause(tokens, term.first))
        # the token behind the last comma of the clause
        part_start = term.first
        while part_start > opening and tokens.words[part_start - 1] != ",":
            part_start -= 1
        if rule("names_in_passing").search(tokens, part_start, term.first):
            continue
        # "to show that it prolongs survival" is an aim, and no endpoint yet
        is_aim = rule("names_an_aim").search(tokens, opening, term.first)
        if is_aim and not listed.is_endpoint:
            continue
        clause_end = term.end
        while clause_end < listed.end and not _parts_clauses(tokens, clause_end):
            clause_end += 1
        yield Promise(Concept(term.value), listed, term.first, term.end, clause_end)


def find_lists(section: LexedSection) -> Iterator[PromiseList]:
    """Yield the parts of a text that list the trial's measurements or objectives: behind the words
    that announce them, or the sentence in front of the words that name it afterwards.

    >>> from extractor.language.passage import read_section
    >>> text = read_section(
    ...     "brief_summary", "Death is the primary endpoint. Earlier trials failed."
    ... )
    >>> [listed.rank for listed in find_lists(text)]
    ['primary']
    """
    tokens = section.tokens
    triggers = list(rule("opens_promises").find(tokens))
    limits = [*(trigger.first for trigger in triggers[1:]), len(tokens)]
    # "secondary endpoints are ..."
    for trigger, limit in zip(triggers, limits, strict=False):
        opening = _find_clause(tokens, trigger.first)
        before = rule("rank_before").ends(tokens, trigger.first, opening)
        rank = (before.read("rank") or "").lower() if before else ""
        if not _binds(tokens, trigger, opening, rank):
            continue
        end = _find_list_end(tokens, trigger.end, limit)
        is_endpoint = not _names_objective(trigger)
        yield PromiseList(section, trigger.end, end, rank, is_endpoint)
    # "... are the secondary endpoints"
    for trigger in rule("closes_promises").find(tokens):
        first, _ = find_sentence(tokens, trigger.first, trigger.end)
        if rule("reported_by_others").search(tokens, first, trigger.first):
            continue
        rank = (trigger.read("rank") or "").lower()
        yield PromiseList(section, first, trigger.first, rank, is_endpoint=True)


def _find_list_end(tokens: Tokens, first: int, limit: int) -> int:
    """Return the end of a list that begins at the token ``first``: the end of its block if it
    begins with a line break, else of its sentence or paragraph, at most ``limit`` or ``_LONGEST``
    tokens on.
    """
    longest = min(limit, first + _LONGEST)
    if tokens.codes[first : first + 1] != "\n":
        return _find_paragraph_end(tokens, first, longest, longest)
    block_end = rule("ends_block").search(tokens, first, longest)
    return block_end.first if block_end else longest


def _binds(tokens: Tokens, trigger: Found, opening: int, rank: str) -> bool:
    """Return whether a list is of measurements that this trial will make, and must register.

    Exploratory and similar endpoints need not be registered, and those of others are not this
    trial's. "Primary" and other ranks suffice. Without one, objectives need a colon, and outcomes
    a colon or words that they will be measured; endpoints need nothing more.

    Args:
        tokens: The text.
        trigger: The words that announce the list.
        opening: The first token of their clause.
        rank: The word before the noun in lower case, such as "primary", or "".
    """
    if rank in _UNBINDING:
        return False
    end = _find_paragraph_end(
        tokens,
        trigger.end,
        min(len(tokens), trigger.end + _LONGEST),
        min(len(tokens), trigger.end + _REACH),
    )
    near = min(end, trigger.first + _REACH)
    if rule("reported_by_others").search(tokens, opening, near):
        return False
    if rank not in _WEAK:
        return True
    if not rank and rule("governs").ends(tokens, trigger.first, opening):
        return False
    if _names_objective(trigger):
        return tokens.words[trigger.end - 1] == ":"
    # "endpoints" are those of a trial; "outcomes" may be those of patients
    if not (trigger.read("noun") or "").lower().startswith("outcome"):
        return True
    if tokens.words[end - 1] == ":":
        return True
    return rule("will_happen").search(tokens, trigger.first, end) is not None


def _names_objective(trigger: Found) -> bool:
    return (trigger.read("noun") or "").lower().startswith("objective")


def _find_clause(tokens: Tokens, at: int) -> int:
    """Return the start of a token's clause, at most ``_REACH`` tokens before it."""
    low = max(0, at - _REACH)
    while at > low and not _parts_clauses(tokens, at - 1):
        at -= 1
    return at


def _find_paragraph_end(tokens: Tokens, first: int, end: int, default: int) -> int:
    """Return the token of the next full stop or blank line from ``first`` on and before ``end``;
    ``default`` if there is none.
    """
    blank = tokens.codes.find("\n\n", first, end)
    if blank >= 0:
        end = blank
        default = blank
    for at in range(first, end):
        if tokens.words[at] == "." and _stops(tokens, at):
            return at
    return default


def _parts_clauses(tokens: Tokens, at: int) -> bool:
    """Return whether a token stands between clauses: a semicolon, full stop or line end."""
    word = tokens.words[at]
    if word == ";":
        return True
    return word in ".\n" and _stops(tokens, at)


def _stops(tokens: Tokens, at: int) -> bool:
    """Return whether a token ends a sentence or line: not the full stop in "1.5"."""
    word = tokens.words[at]
    if word == "\n":
        return True
    if word not in ".;!?":
        return False
    return at + 1 == len(tokens) or not tokens.joined(at + 1)
