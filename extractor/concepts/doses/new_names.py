"""Find names of agents that no vocabulary knows and the record does not register, by the amounts
beside them: "5 mg of fictizide", "Fictizide 5 mg, samplinib 10 mg".
"""

from collections.abc import Collection, Sequence

from rapidfuzz.fuzz import ratio

from extractor.concepts.doses.agents import Agent, Mention
from extractor.concepts.doses.amounts import AmountMark, is_volume_or_piece
from extractor.concepts.doses.labels import is_label
from extractor.concepts.doses.marks import Mark, Place, within
from extractor.concepts.doses.names import find_chunk, unify_name
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.units import find_unit

_OTHER_ENDS = ("ly", "wards", "ing", "ed", "able", "ible")
"""Ends of adverbs and forms of verbs. No name of a substance ends so."""
INTRODUCED = 0.6
"""Confidence in an agent that only the words around its name show."""
_SHORTEST = 5
"""The least letters of a word before an amount that may be a name."""
_SIMILAR = 85
"""How alike two spellings of one name are, of 100: "Allopurinal", "allopurinol"."""
_CLOSED = ("routes", "frequencies", "dosage_forms")
"""Vocabularies whose terms name no substance."""


def can_name(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words can be the name of a substance: they do not only join, order or
    describe others, and are no unit, form, route or rhythm.

    >>> from extractor.language.book import read_text
    >>> words = (
    ...     "fictizide",
    ...     "afterward",
    ...     "slowly",
    ...     "versus",
    ...     "puffs",
    ...     "evening",
    ...     "ABC-12",
    ... )
    >>> [can_name(read_text(word), 0, len(read_text(word))) for word in words]
    [True, False, False, False, False, False, True]
    """
    if is_label(tokens, first, end):
        return False
    word = tokens.words[first].lower()
    if end - first == 1 and word.endswith(_OTHER_ENDS):
        return False
    if find_unit(tokens, first) is not None:
        return False
    return not any(
        term.first == first
        for vocabulary in _CLOSED
        for term in find_terms(tokens, vocabulary, first, end)
    )


def find_name_behind(
    tokens: Tokens, amount: AmountMark, clause_end: int, explained: Collection[int]
) -> Place | None:
    """Return the place of an unknown name directly behind an amount; None if none stands there.

    ``explained`` are the tokens that have another meaning: marks and known agents.
    """
    if is_volume_or_piece(amount.value[0].unit):
        return None
    found = rule("introduced_agent").starts(tokens, amount.end, clause_end)
    if found is None:
        return None
    first, end = find_chunk(tokens, found.end - 1)
    is_mark = first in explained  # "2 mg QDS"
    if is_mark or not can_name(tokens, first, end):
        return None
    ends = end >= clause_end or end in explained
    if ends or rule("name_border").starts(tokens, end):
        return first, end
    return None


def add_listed_names(
    section: DosingSection, mentions: Sequence[Mention], known: Sequence[Agent]
) -> tuple[Mention, ...]:
    """Return the mentions in an arm or intervention, with the unknown names in its lists of agents
    and doses: "Fictizide 5 mg, samplinib 10 mg". A name with a colon before such a list is that of
    the whole.

    A name that is spelt almost as one of the ``known`` agents is that agent's.
    """
    if not section.is_group:
        return tuple(mentions)
    added = [
        _introduce(section, place, known)
        for clause in section.clauses
        for place in _find_listed(section, clause, mentions)
    ]
    if not added:
        return tuple(mentions)
    codes = section.tokens.codes
    starts = {name.first for name in added}
    kept = (
        mention
        for mention in mentions
        if not (
            codes[mention.end : mention.end + 1] == ":" and mention.end + 1 in starts
        )
    )
    return tuple(sorted([*kept, *added], key=lambda mention: mention.first))


def _find_listed(
    section: DosingSection, clause: Place, mentions: Sequence[Mention]
) -> list[Place]:
    """Return the unknown names of a clause that each stand before an amount, if it is a list: it
    also gives another agent its amount in this way.
    """
    amounts = section.marks.inside(*clause).amounts
    if len(amounts) < 2:
        return []
    named = within(mentions, *clause)
    taken = {at for mention in named for at in range(mention.first, mention.end)}
    found = [
        place
        for amount in amounts
        if (place := _find_name_before(section, clause, amount.first))
        and taken.isdisjoint(range(*place))
    ]
    others = [
        mention
        for mention in named
        if any(_is_before(section.tokens, mention.end, one.first) for one in amounts)
    ]
    if not found or len(found) + len(others) < 2:
        return []
    return found


def _find_name_before(section: DosingSection, clause: Place, at: int) -> Place | None:
    """Return the place of a word before an amount that may be a name: it is written large, and
    opens the clause or a member of a list.
    """
    tokens = section.tokens
    end = at - 1 if at > clause[0] and tokens.words[at - 1] == "(" else at
    first = end - 1
    if first < clause[0]:
        return None
    word = tokens.words[first]
    if not word.isalpha() or len(word) < _SHORTEST or not word[0].isupper():
        return None
    opens = first == clause[0] or rule("member_opening").ends(tokens, first, first - 1)
    if not opens or rule("word_about_dose").covers(tokens, first, end):
        return None
    return (first, end) if can_name(tokens, first, end) else None


def _is_before(tokens: Tokens, end: int, amount: int) -> bool:
    """Return whether a name stands directly before an amount, or before its bracket."""
    return tokens.codes[end:amount] in ("", "(")


def _introduce(section: DosingSection, place: Place, known: Sequence[Agent]) -> Mention:
    key = unify_name(section.tokens.read(*place))
    similar = (agent for agent in known if ratio(agent.key, key) >= _SIMILAR)
    agent = next(similar, Agent(key, "drug", section.name, *place))
    return Mark(agent, *place, INTRODUCED)
