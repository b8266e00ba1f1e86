"""Decide whether a number belongs to a given quantity, to a different quantity, or possibly to
either.
"""

import re
from enum import Enum, auto
from functools import cache, lru_cache

from extractor.concepts.limits.mentions import NumberMention, find_mentions
from extractor.concepts.limits.quantity_names import get_quantity, list_named
from extractor.concepts.limits.written_numbers import NumberRole
from extractor.language.book import read_table, rule, word_list, word_set
from extractor.language.lexer import NUMBER, Range, Tokens, cover, keep, lex
from extractor.language.units import read_unit
from extractor.measures.names import fold_words, spell_words

_SIDES = frozenset({"systolic", "diastolic"})
AGE_WORDS = frozenset({"age", "ages", "aged", "old"})
"""Words that name an age."""
# Chosen by hand.
_COUNTED_REACH = 4
"""Maximum number of tokens between a number and the noun that it counts."""
# Chosen by hand.
_AGE_PHRASE = 4
"""A quantity whose name includes "age" and has fewer words than this is treated as a person's
age.
"""
_ROLE_WORDS = {NumberRole.CHANGE: "change_word", NumberRole.AIM: "aim_word"}
"""Rules for the words that a quantity's name must contain for a number with this role to belong to
it.
"""
_NUMBERED = re.compile(r"\b(group|cohort|arm|part|phase|stage|stratum) (\w+)")
_RATIOS = ("ratio_of_two", "divided_by", "part_of_fraction")

WordSet = frozenset[str]


class Ownership(Enum):
    """Whether a number belongs to a quantity."""

    OWN = auto()
    """It belongs to the quantity."""
    OPEN = auto()
    """It may belong to the quantity or to another one."""
    OTHER = auto()
    """It belongs to another quantity."""


def judge_owner(quantity: str, mention: NumberMention, tokens: Tokens) -> Ownership:
    """Return whether a mention belongs to a quantity. ``quantity`` is the name that a model or a
    rule stated; ``tokens`` contains the line.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100")
    >>> for mention in find_mentions(tokens):
    ...     print(judge_owner("platelets", mention, tokens))
    Ownership.OTHER
    Ownership.OWN
    """
    # "a drop in SBP of 20 mmHg" limits the drop, not the pressure
    role_words = _ROLE_WORDS.get(mention.role)
    if role_words and not rule(role_words).search(lex(quantity)):
        return Ownership.OTHER
    words = _fold_quantity(quantity)
    spelled = frozenset(spell_words(_join(quantity)))
    if _is_of_others(spelled, mention, tokens):
        return Ownership.OTHER
    # the line contains the words of the quantity only in a negation
    if words <= _spell(tokens.text) and not words <= _list_line(tokens):
        return Ownership.OTHER
    if _is_part_of_ratio(words, mention, tokens):
        return Ownership.OTHER
    if len(words) < _AGE_PHRASE and not AGE_WORDS.isdisjoint(spelled):
        return _judge_age(mention, tokens)
    sides = _SIDES & spelled
    side = _read_side(mention, tokens)
    if not sides or side is None:
        return _compare_names(words, quantity, mention, tokens)
    if side in sides:
        return Ownership.OWN
    return Ownership.OTHER


def _is_of_others(spelled: WordSet, mention: NumberMention, tokens: Tokens) -> bool:
    """Return whether the quantity and the number belong to different groups of people or different
    sides of the body. The number belongs to the last group named before it in its clause or,
    failing that, to the first group named after it.
    """
    front = spell_words(tokens.read(mention.clause[0], mention.number[0]))
    following = spell_words(tokens.read(mention.number[1], mention.clause[1]))
    nearest_first = (*reversed(front), *following)
    for groups in _list_contrasts():
        own = [group for group in groups if not group.isdisjoint(spelled)]
        if not own:
            continue
        every = frozenset[str]().union(*groups)
        nearest = next((word for word in nearest_first if word in every), None)
        if nearest and not any(nearest in group for group in own):
            return True
    return False


def _is_part_of_ratio(words: WordSet, mention: NumberMention, tokens: Tokens) -> bool:
    """Return whether a number limits a ratio of the quantity to another one: "LH:FSH of 2 or more".
    A colon followed by a space ends a heading, and "AST/ALT" is not treated as a ratio.
    """
    for name in _RATIOS:
        for ratio in rule(name).find(tokens, mention.clause[0], mention.number[0]):
            if name == "part_of_fraction":
                is_apart = not tokens.joined(ratio.place("one")[1] + 1)
                if is_apart or len(_find_quantities(ratio.text)) > 1:
                    continue
            parts = [_spell(ratio.read(part)) for part in ("one", "other")]
            # The quantity is one of the two parts, but not both. An exception is "E/e'", whose
            # parts have the same folded spelling.
            if sum(words <= part for part in parts) == 1 or parts == [words, words]:
                return True
    return False


def _judge_age(mention: NumberMention, tokens: Tokens) -> Ownership:
    """Return whether a number is an age. It is not if it belongs to another quantity. It is open if
    only the adjacent words make it an age ("has turned 18"), or if it has no name.
    """
    clause = _list_words_within(tokens, *mention.clause)
    if mention.is_age or not AGE_WORDS.isdisjoint(clause):
        return Ownership.OWN
    is_aged = rule("aged_after").starts(tokens, mention.number[1]) is not None
    is_named = mention.subject or _find_quantities(tokens.read(*mention.clause))
    if is_named and not is_aged:
        return Ownership.OTHER
    return Ownership.OPEN


def _read_side(mention: NumberMention, tokens: Tokens) -> str | None:
    """Return the blood pressure that a number states, "systolic" or "diastolic": the word after the
    number or, failing that, the number's position in a pair such as "140/90". Return None if
    neither is available.
    """
    # "over 95 mmHg diastolic"
    for word in tokens.words[mention.end : mention.end + 1]:
        if word.lower() in _SIDES:
            return word.lower()
    near = max(0, mention.first - 2), min(len(tokens), mention.end + 2)
    for pair in rule("pressure_pair").find(tokens, *near):
        # a mention of "140/90" contains both pressures: the first one is compared
        for side in ("systolic", "diastolic"):
            if mention.first <= pair.place(side)[0] < mention.end:
                return side
    return None


def _compare_names(
    words: WordSet, quantity: str, mention: NumberMention, tokens: Tokens
) -> Ownership:
    """Return whether the words around a number name the quantity or another one; open if they do
    neither.

    The words are compared in this order: the words directly next to the number, the known
    quantities before it, its clause, the earlier clauses that may name its quantity, and the whole
    line. A preceding word that is not part of the quantity's name indicates another quantity if the
    quantity has its own limit in the line, or if only earlier clauses name it.
    """
    adjacent = _list_words_within(tokens, *_find_adjacent(len(words), mention, tokens))
    near = adjacent | _list_words_within(tokens, *_list_front(mention))
    own_names = _find_quantities(quantity)
    if own_names:
        further = words - _list_name_words(own_names)
        if _says_elsewhere(further, near, mention, tokens):
            return Ownership.OTHER
    if words <= adjacent:
        return Ownership.OWN
    # "adults over 50 kg" does not name the weight
    if own_names == {"body_weight"} and _names_people(mention, tokens):
        return Ownership.OWN
    subject = tokens.read(*(mention.subject or (0, 0)))
    subject_names = _find_quantities(subject)
    subject_words = _fold_quantity(subject)
    # the name before the number says more than the quantity does; units do not count
    is_foreign = any(not read_unit(word) for word in subject_words - words - _idle())
    if own_names and subject_names >= own_names:
        is_said_elsewhere = not (words - near).isdisjoint(_list_line(tokens))
        if is_foreign and is_said_elsewhere:
            return Ownership.OTHER
        return Ownership.OWN
    is_other = own_names and subject_names and subject_names.isdisjoint(own_names)
    if is_other:
        return Ownership.OTHER
    # the platelets in "ANC >= 1.5, platelets >= 100" have their own limit
    has_own_limit = words in _list_subjects(tokens) - {subject_words}
    return _compare_clause(
        words,
        own_names,
        mention,
        tokens,
        is_foreign=is_foreign,
        has_own_limit=has_own_limit,
    )


def _says_elsewhere(
    further: WordSet, near: WordSet, mention: NumberMention, tokens: Tokens
) -> bool:
    """Return whether the ``further`` words of a name are in a line, but neither ``near`` the number
    nor, unless a name precedes it, in the clauses that may name its quantity.
    """
    # after a name of its own, a number does not inherit the words of earlier clauses
    if mention.subject is None or mention.subject[0] >= mention.first:
        near |= _list_inherited(mention, tokens)
    return not (further - near).isdisjoint(_list_line(tokens))


def _compare_clause(
    words: WordSet,
    own_names: WordSet,
    mention: NumberMention,
    tokens: Tokens,
    *,
    is_foreign: bool,
    has_own_limit: bool,
) -> Ownership:
    """Compare the quantity with the words of the clause, then of the preceding clauses, and then of
    the line. ``words`` and ``own_names`` are the words of the quantity and the known quantities
    among them. ``is_foreign`` means that the name before the number contains words that the name
    of the quantity lacks, and ``has_own_limit`` that the line limits the quantity elsewhere.
    """
    front = _list_words_within(tokens, *_list_front(mention))
    is_in_clause = words <= front | _list_words_within(tokens, *mention.clause)
    clause_names = _find_quantities(tokens.read(*mention.clause))
    if is_in_clause or (own_names and own_names <= clause_names):
        # in "Hb > 9 g/dL ALT < 40", the word after the unit names the next limit
        has_unit = mention.number[1] < mention.end
        names_next = has_unit and is_in_clause and not words <= front
        if is_foreign and (has_own_limit or names_next):
            return Ownership.OTHER
        return Ownership.OWN
    if words <= _list_inherited(mention, tokens):
        if is_foreign:
            return Ownership.OTHER
        return Ownership.OWN
    is_in_line = words <= _list_line(tokens)
    if has_own_limit or not is_in_line:
        return Ownership.OTHER
    if mention.stated and is_foreign:
        return Ownership.OTHER
    return Ownership.OPEN


def _list_line(tokens: Tokens) -> WordSet:
    return _list_words_within(tokens, 0, len(tokens))


def _list_front(mention: NumberMention) -> Range:
    """Return the tokens before a number that belong to its clause or to the name of its
    quantity.
    """
    first = mention.clause[0]
    if mention.subject:
        first = min(first, mention.subject[0])
    return first, mention.number[0]


def _list_inherited(mention: NumberMention, tokens: Tokens) -> WordSet:
    """Return the words of a clause and of the earlier clauses that may name its quantity."""
    places = (*mention.inherited, _list_front(mention), mention.clause)
    return frozenset[str]().union(
        *(_list_words_within(tokens, *place) for place in places)
    )


def _find_adjacent(length: int, mention: NumberMention, tokens: Tokens) -> Range:
    """Return the tokens of a number and of the following words that may name its quantity, whose
    name has ``length`` words: "10 or more cigarettes". They contain at most four more words than
    the name, and end before the first of these.

    - A conjunction.
    - A bracket, if a name precedes the number: "Hb > 9 (transfusion allowed)".
    - Another number. If this one has a unit, the words between the two belong to the other: in "3
      mg ALT > 5", only "3 mg" is returned.
    """
    first = mention.first
    end = mention.end
    stop = min(len(tokens), end + _COUNTED_REACH + length)
    # the mention of a number with a unit goes on behind the number
    has_unit = mention.number[1] < end
    is_named = mention.subject is not None and mention.subject[0] < first
    for at in range(end, stop):
        # "10 or more cigarettes, and ..."
        if rule("clause_joint").starts(tokens, at):
            return first, at
        if is_named and tokens.codes[at] == "(":
            return first, at
        if tokens.codes[at] == NUMBER:
            if has_unit:
                return first, end
            return first, at
    return first, stop


def _names_people(mention: NumberMention, tokens: Tokens) -> bool:
    """Return whether only people are named before a number: "men > 90 kg"."""
    place = mention.clause[0], mention.first
    return rule("names_only_people").covers(tokens, *place) is not None


@keep
def _list_words_within(tokens: Tokens, first: int, end: int) -> WordSet:
    """Return the words of the tokens ``first:end``, except for negated words such as "hip" in "the
    waist, not the hip".
    """
    negated = cover(rule("not_meant").find(tokens, first, end))
    if not negated:
        return _spell(tokens.read(first, end))
    meant = (tokens.words[at] for at in range(first, end) if at not in negated)
    return _spell(" ".join(meant))


def _join(text: str) -> str:
    """Return text in which a group's type and its number or letter are joined into one word:
    "group A".
    """
    return _NUMBERED.sub(r"\1\2", text.lower())


@lru_cache(maxsize=256)
def _spell(text: str) -> WordSet:
    return frozenset(spell_words(_join(text)))


def _fold_quantity(text: str) -> WordSet:
    return frozenset(fold_words(_join(text)))


@keep
def _list_subjects(tokens: Tokens) -> frozenset[WordSet]:
    """Return the words, excluding generic words, of each quantity that is limited in a line."""
    subjects = [mention.subject for mention in find_mentions(tokens) if mention.subject]
    return frozenset(_fold_quantity(tokens.read(*place)) for place in subjects)


@lru_cache(maxsize=1024)
def _find_quantities(text: str) -> WordSet:
    """Return the names of all known quantities in a text. A combined quantity is replaced with its
    parts; for example, transaminases are replaced with ALT and AST.
    """
    parts = (quantity.both or {quantity.name} for quantity in list_named(text))
    return frozenset[str]().union(*parts)


@lru_cache(maxsize=1024)
def _list_name_words(names: WordSet) -> WordSet:
    """Return all words in the names of the given known quantities, together with generic words."""
    words = {*word_list("idle_words"), *word_list("function_words")}
    for name in names:
        words.update(*map(fold_words, get_quantity(name).names))
    return frozenset(words)


@cache
def _idle() -> WordSet:
    """Words that do not distinguish quantities."""
    lists = ("people", "idle_words", "function_words")
    return frozenset({"score", "scale"}).union(*map(word_list, lists))


@cache
def _list_contrasts() -> list[list[WordSet]]:
    """Return rows of contrasting word groups. A clause refers to one group in a row at a time, such
    as men or women.
    """
    rows = read_table("mentions")["contrasts"]["groups"]
    return [[word_set(group) for group in row] for row in rows]
