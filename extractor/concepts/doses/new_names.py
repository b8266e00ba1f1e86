"""Find names of agents that no vocabulary knows and the record does not register, by the amounts
beside them: "5 mg of fictizide", "Fictizide 5 mg, samplinib 10 mg".
"""

from collections.abc import Collection, Sequence
from operator import attrgetter

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
    """Return whether the words ``first:end`` can be the name of a substance: they do not only join,
    order or describe others, and begin with no unit, form, route or rhythm.

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
    # "Cohort 2"
    if is_label(tokens, first, end):
        return False
    is_one_word = end - first == 1
    # "slowly", "afterwards"
    if is_one_word and tokens.words[first].lower().endswith(_OTHER_ENDS):
        return False
    # "20 ug daily + two microgram puffs": a unit names no agent
    if find_unit(tokens, first) is not None:
        return False
    for vocabulary in _CLOSED:
        for term in find_terms(tokens, vocabulary, first, end):
            if term.first == first:
                return False
    return True


def find_name_behind(
    tokens: Tokens, amount: AmountMark, clause_end: int, explained: Collection[int]
) -> Place | None:
    """Return the tokens of an unknown name directly behind an amount ("5 mg of fictizide"), or
    None. The name must end its clause, or a word that ends a name or has another meaning must
    follow it.

    ``explained`` are the tokens that have another meaning: marks and known agents. A volume or a
    number of pieces introduces no name.
    """
    # "2 tablets of the morning dose"
    if is_volume_or_piece(amount.value[0].unit):
        return None
    introduction = rule("introduced_agent").starts(tokens, amount.end, clause_end)
    if introduction is None:
        return None
    # the rule ends with the first token of the name
    first, end = find_chunk(tokens, introduction.end - 1)
    # "2 mg QDS"
    is_mark = first in explained
    if is_mark or not can_name(tokens, first, end):
        return None
    is_whole = end >= clause_end or end in explained
    # "5 mg of fictizide and"
    if is_whole or rule("name_border").starts(tokens, end):
        return first, end
    return None


def add_listed_names(
    section: DosingSection, mentions: Sequence[Mention], known: Sequence[Agent]
) -> tuple[Mention, ...]:
    """Return the mentions of agents in a section, with the unknown names in its lists of agents and
    doses: "Fictizide 5 mg, samplinib 10 mg". Descriptions get no new names.

    A name with a colon before such a list is that of the whole, and goes: "Triple therapy:
    Fictizide 5 mg, ...". A new name that is spelt almost as one of the ``known`` agents mentions
    that agent.
    """
    if not section.is_group:
        return tuple(mentions)
    added: list[Mention] = []
    for clause in section.clauses:
        listed = _find_listed(section, clause, mentions)
        added += [_introduce(section, place, known) for place in listed]
    if not added:
        return tuple(mentions)
    codes = section.tokens.codes
    starts = {name.first for name in added}
    kept: list[Mention] = []
    for mention in mentions:
        is_heading = codes[mention.end : mention.end + 1] == ":"
        if is_heading and mention.end + 1 in starts:
            continue
        kept.append(mention)
    return tuple(sorted([*kept, *added], key=attrgetter("first")))


def _find_listed(
    section: DosingSection, clause: Place, mentions: Sequence[Mention]
) -> list[Place]:
    """Return the tokens of each unknown name of a clause that stands before an amount, if the
    clause lists agents with their amounts: at least two names, known or not, stand so.
    """
    tokens = section.tokens
    amounts = section.marks.inside(*clause).amounts
    if len(amounts) < 2:
        return []
    known_tokens: set[int] = set()
    known_with_amount = 0
    for mention in within(mentions, *clause):
        known_tokens.update(range(mention.first, mention.end))
        if any(_is_before(tokens, mention.end, amount.first) for amount in amounts):
            known_with_amount += 1
    unknown: list[Place] = []
    for amount in amounts:
        place = _find_name_before(section, clause, amount.first)
        if place is not None and known_tokens.isdisjoint(range(*place)):
            unknown.append(place)
    is_list = len(unknown) + known_with_amount > 1
    return unknown if is_list else []


def _find_name_before(
    section: DosingSection, clause: Place, amount_first: int
) -> Place | None:
    """Return the token of a word before an amount that may be a name, or None. Such a word has five
    letters or more and a capital, opens the clause or a member of a list, and has no other meaning.

    ``amount_first`` is the first token of the amount, which may stand in brackets: "Fictizide
    (5 mg)".
    """
    tokens = section.tokens
    clause_first = clause[0]
    end = amount_first
    if end > clause_first and tokens.words[end - 1] == "(":
        end -= 1
    first = end - 1
    if first < clause_first:
        return None
    word = tokens.words[first]
    if not word.isalpha() or len(word) < _SHORTEST:
        return None
    if not word[0].isupper():
        return None
    opens_clause = first == clause_first
    # "A 5 mg plus Fictizide 3 mg"
    opens_member = rule("member_opening").ends(tokens, first, first - 1) is not None
    if not opens_clause and not opens_member:
        return None
    # "Starting 5 mg"
    if rule("word_about_dose").covers(tokens, first, end):
        return None
    return (first, end) if can_name(tokens, first, end) else None


def _is_before(tokens: Tokens, name_end: int, amount_first: int) -> bool:
    """Return whether a name stands directly before an amount, or before its bracket."""
    return tokens.codes[name_end:amount_first] in ("", "(")


def _introduce(section: DosingSection, place: Place, known: Sequence[Agent]) -> Mention:
    """Return a mention, at ``place``, of the first known agent whose name is spelt alike, else of a
    new agent. Either is unsure: its confidence is ``INTRODUCED``.
    """
    key = unify_name(section.tokens.read(*place))
    agent = Agent(key, "drug", section.name, *place)
    for other in known:
        if ratio(other.key, key) >= _SIMILAR:
            agent = other
            break
    return Mark(agent, *place, INTRODUCED)
