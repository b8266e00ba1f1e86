"""Decide whether a number belongs to a given quantity, to a different quantity, or possibly to
either.
"""

import re
from functools import cache, lru_cache

from extractor.concepts.limits.mentions import Measured, NumberMention, find_mentions
from extractor.concepts.limits.quantity_names import get_quantity, list_named
from extractor.concepts.limits.written_numbers import NumberRole
from extractor.language.book import read_table, rule, word_list, word_set
from extractor.language.lexer import NUMBER, Range, Tokens, keep, lex
from extractor.language.units import read_unit
from extractor.measures.names import fold_words, spell_words

_SIDES = frozenset({"systolic", "diastolic"})
_AGE = frozenset({"age", "ages", "aged", "old"})
_COUNTED_REACH = 4
"""Maximum number of tokens between a number and the noun that it counts."""
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


def is_own(quantity: str, mention: NumberMention, tokens: Tokens) -> bool | None:
    """Return True if a mention belongs to a quantity, None if it belongs to another quantity, and
    False if this is uncertain. ``quantity`` is the name that a model or a rule stated; ``tokens``
    contains the line.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100")
    >>> [is_own("platelets", mention, tokens) for mention in find_mentions(tokens)]
    [None, True]
    """
    # "a drop in SBP of 20 mmHg" limits the drop, not the pressure
    name = _ROLE_WORDS.get(mention.role)
    if name and not rule(name).search(lex(quantity)):
        return None
    words = _fold_quantity(quantity)
    spelled = frozenset(spell_words(_join(quantity)))
    line = _list_words(tokens, 0, len(tokens))
    if _is_of_others(spelled, mention, tokens):
        return None
    # the line contains the words of the quantity only in a negation
    if words <= _spell(tokens.text) and not words <= line:
        return None
    if _is_part_of_ratio(words, mention, tokens):
        return None
    if not _AGE.isdisjoint(spelled) and len(words) < _AGE_PHRASE:
        return _is_age(words, mention, tokens)
    side = _read_side(spelled, mention, tokens)
    if side is not None:
        return side or None
    return _compare_names(words, quantity, mention, tokens)


def _is_of_others(spelled: WordSet, mention: NumberMention, tokens: Tokens) -> bool:
    """Return whether the quantity and the number belong to different groups of people or different
    sides of the body. The number belongs to the last group named before it in its clause or,
    failing that, to the first group named after it.
    """
    front = spell_words(tokens.read(mention.clause[0], mention.number[0]))
    following = spell_words(tokens.read(mention.number[1], mention.clause[1]))
    for groups in _list_contrasts():
        every = frozenset[str]().union(*groups)
        own_groups = [group for group in groups if not group.isdisjoint(spelled)]
        nearest = next(
            (word for word in (*reversed(front), *following) if word in every), ""
        )
        if not own_groups:
            continue
        if not nearest:
            continue
        if any(nearest in group for group in own_groups):
            continue
        return True
    return False


def _is_part_of_ratio(words: WordSet, mention: NumberMention, tokens: Tokens) -> bool:
    """Return whether a number limits a ratio that includes the quantity: "LH:FSH of 2 or more". A
    colon followed by a space ends a heading, and "AST/ALT" is not treated as a ratio.
    """
    for name in _RATIOS:
        for ratio in rule(name).find(tokens, mention.clause[0], mention.number[0]):
            is_apart = not tokens.joined(ratio.place("one")[1] + 1)
            are_both = len(_name(ratio.text)) > 1
            if name == "part_of_fraction" and (is_apart or are_both):
                continue
            parts = [_spell(ratio.read(part) or "") for part in ("one", "other")]
            # both parts of "E/e'" have the same folded spelling
            if sum(words <= part for part in parts) == 1:
                return True
            if parts == [words, words]:
                return True
    return False


def _is_age(words: WordSet, mention: NumberMention, tokens: Tokens) -> bool | None:
    """Return True if a number is the age that the quantity names. Return None if the number
    belongs to another quantity, or if it is an age in another part of the trial. Return False if
    only the adjacent words make it an age ("has turned 18"), or if it is a bare number without a
    name.
    """
    clause = _list_words(tokens, *mention.clause)
    if mention.kind is Measured.AGE or not _AGE.isdisjoint(clause):
        # as in "Age in phase 2" in the clause of phase 1
        missing = words - _AGE - _list_inherited(mention, tokens)
        is_elsewhere = missing and missing <= _spell(tokens.text)
        if is_elsewhere:
            return None
        return True
    if rule("aged_after").starts(tokens, mention.number[1]):
        return False
    is_named = mention.subject or _name(tokens.read(*mention.clause))
    if mention.kind is not Measured.LIMIT:
        return None
    if is_named:
        return None
    return False


def _read_side(spelled: WordSet, mention: NumberMention, tokens: Tokens) -> bool | None:
    """Return whether a number is the systolic or diastolic blood pressure that the quantity names.
    Return None if the quantity does not name either pressure, or if it is unknown which pressure
    the number states. The pressure is determined by the word after the number or, failing that, by
    the number's position in a pair such as "140/90".
    """
    named_sides = _SIDES & spelled
    if not named_sides:
        return None
    if not rule("pressure_word").search(tokens):
        return None
    # "over 95 mmHg diastolic"
    following = {word.lower() for word in tokens.words[mention.end : mention.end + 1]}
    if following & _SIDES:
        return bool(following & named_sides)
    near = max(0, mention.first - 2), min(len(tokens), mention.end + 2)
    for pair in rule("pressure_pair").find(tokens, *near):
        # a mention of "140/90" contains both pressures: the first one is compared
        for side in ("systolic", "diastolic"):
            if mention.first <= pair.place(side)[0] < mention.end:
                return side in named_sides
    return None


def _compare_names(
    words: WordSet, quantity: str, mention: NumberMention, tokens: Tokens
) -> bool | None:
    """Return True if the words around a number name the quantity, None if they name another
    quantity, and False if this is uncertain.

    The words are compared in this order: the words directly next to the number, the known
    quantities before it, its clause, the earlier clauses that may name its quantity, and the whole
    line. A preceding word that is not part of the quantity's name indicates another quantity if the
    quantity has its own limit in the line, or if only earlier clauses name it.
    """
    subject = mention.subject or (mention.first, mention.first)
    front = _list_words(tokens, *_list_front(mention))
    direct = _list_words(tokens, *_find_direct(len(words), mention, tokens))
    own_names = _name(quantity)
    subject_names = _name(tokens.read(*subject))
    subject_words = _fold_quantity(tokens.read(*subject))
    if own_names and _says_elsewhere(
        words - _list_name_words(own_names), front | direct, mention, tokens
    ):
        return None
    if words <= direct:
        return True
    if own_names == {"body_weight"} and _names_people(mention, tokens):
        return True
    is_foreign = any(not read_unit(word) for word in subject_words - words - _idle())
    if own_names and subject_names >= own_names:
        missing = words - front - direct
        has_more = not missing.isdisjoint(_list_line(tokens))
        if is_foreign and has_more:
            return None
        return True
    is_other = bool(own_names and subject_names) and subject_names.isdisjoint(own_names)
    if is_other and not _is_part(words, subject_words, front):
        return None
    return _compare_clause(words, quantity, mention, tokens, is_foreign=is_foreign)


def _is_part(words: WordSet, name: WordSet, front: WordSet) -> bool:
    """Return whether the name before a number, such as "stage", is only part of the quantity's
    name.
    """
    if not bool(words & name):
        return False
    if words < name:
        return False
    return words <= front


def _says_elsewhere(
    extra: WordSet, nearby: WordSet, mention: NumberMention, tokens: Tokens
) -> bool:
    """Return whether the ``extra`` words of a name appear in a line, but not around the number."""
    if mention.subject is None or mention.subject[0] >= mention.first:
        nearby |= _list_inherited(mention, tokens)
    return not (extra - nearby).isdisjoint(_list_line(tokens))


def _compare_clause(
    words: WordSet,
    quantity: str,
    mention: NumberMention,
    tokens: Tokens,
    *,
    is_foreign: bool,
) -> bool | None:
    """Compare the quantity with the words of the clause, then of the preceding clauses, and then of
    the line. The result has the same meaning as in ``_compare_names``. ``is_foreign`` means that
    the name before the number contains words that the name of the quantity lacks.
    """
    subject = mention.subject or (mention.first, mention.first)
    # the platelets in "ANC >= 1.5, platelets >= 100" have their own limit
    has_own_limit = words in _list_subjects(tokens) - {
        _fold_quantity(tokens.read(*subject))
    }
    front = _list_words(tokens, *_list_front(mention))
    is_in_clause = words <= front | _list_words(tokens, *mention.clause)
    own_names = _name(quantity)
    if is_in_clause or (own_names and own_names <= _name(tokens.read(*mention.clause))):
        # in "Hb > 9 g/dL ALT < 40", the word after the unit names the next limit
        has_unit = mention.number[1] < mention.end
        names_next = has_unit and is_in_clause and not words <= front
        if is_foreign and (has_own_limit or names_next):
            return None
        return True
    if words <= _list_inherited(mention, tokens):
        if is_foreign:
            return None
        return True
    is_in_line = words <= _list_line(tokens)
    if has_own_limit:
        return None
    if not is_in_line:
        return None
    if not mention.stated:
        return False
    if not is_foreign:
        return False
    return None


def _list_line(tokens: Tokens) -> WordSet:
    return _list_words(tokens, 0, len(tokens))


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
    return frozenset[str]().union(*(_list_words(tokens, *place) for place in places))


def _find_direct(length: int, mention: NumberMention, tokens: Tokens) -> Range:
    """Return the tokens of a number and of the following words that may name its quantity, whose
    name has ``length`` words: "10 or more cigarettes". They end at a conjunction and contain at
    most four more words than the quantity's name. If a name precedes the number, they also end at
    a bracket, as in "Hb > 9 (transfusion allowed)". If another number follows and this one has a
    unit, the words between the two belong to the other number: in "3 mg ALT > 5", only "3 mg" is
    returned.
    """
    end = mention.end
    stop = min(len(tokens), end + _COUNTED_REACH + length)
    is_named = mention.subject is not None and mention.subject[0] < mention.first
    while end < stop and not rule("clause_joint").starts(tokens, end):
        if is_named and tokens.codes[end] == "(":
            break
        if tokens.codes[end] == NUMBER:
            has_unit = mention.number[1] < mention.end
            return mention.first, mention.end if has_unit else end
        end += 1
    return mention.first, end


def _names_people(mention: NumberMention, tokens: Tokens) -> bool:
    """Return whether only people are named before a number: "men > 90 kg"."""
    first = mention.clause[0]
    if first == mention.first:
        return True
    return rule("names_only_people").covers(tokens, first, mention.first) is not None


@keep
def _list_words(tokens: Tokens, first: int, end: int) -> WordSet:
    """Return the words of the tokens ``first:end``, except for negated words such as "hip" in "the
    waist, not the hip".
    """
    aside = set[int]()
    for denial in rule("not_meant").find(tokens, first, end):
        aside.update(range(denial.first, denial.end))
    meant = (tokens.words[at] for at in range(first, end) if at not in aside)
    return _spell(" ".join(meant) if aside else tokens.read(first, end))


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
def _name(text: str) -> WordSet:
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
