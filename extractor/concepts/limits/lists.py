"""Lists of quantities before one limit: "AST (SGOT), ALT (SGPT) and bilirubin <= 2 x ULN"."""

import re
from collections.abc import Iterator

from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    find_exactly,
    list_named,
)
from extractor.language.book import word_list
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.units import read_unit

_JOINTS = frozenset({"and", "or", "&", "/", ","})
_LONGEST_NAME = 5
"""The most words of a quantity in a list."""
_LONGEST_BRACKET = 10
"""The most tokens of a bracket with other names of a quantity."""
_CUT_REACH = 12
"""How many tokens before a name may hold another quantity of its list."""
_ON_THEIR_OWN = frozenset({"normal", "adequate", "stable", "acceptable", "sufficient"})
"""Words that make a quantity a condition without a number: "normal creatinine, bilirubin < 2"."""
_MULTIPLES = ("{ULN}", "{LLN}")
_CLAUSE_SIGNS = ".;:"
_COPIES = "{copies}/mL"
"""A unit of viral loads."""
_SPLIT = re.compile(
    r"\s{0,3}(?:,|/|&|\band\b|\bor\b)(?:\s{0,3}(?:,|/|&|\band\b|\bor\b)){0,3}\s{0,3}",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"\(([^()]{1,60})\)")
_KIND_OF_TEST = re.compile(
    r"\b(?:enzymes?|tests?|transaminases?|values?|levels?|counts?|time)\s{0,3}$",
    re.IGNORECASE,
)
"""Words in front of a bracket that say no more than that something is measured."""
_LAST_WORD = re.compile(r"(?<![\w-])([A-Za-z]{3,40})\W{0,3}$")
_OWN_HEADS = frozenset({"score", "scores", "scale", "index"})
"""Heads that an item before does not share: "asthma and Karnofsky score" is no asthma score."""


def read_item(text: str, head: str = "") -> tuple[KnownQuantity, ...]:
    """Return the quantities that an item of a list names; none if it names anything else.

    ``head`` is the last word of the next item, which the item may share: the "aminotransferase" of
    "aspartate and alanine aminotransferase". The words of the item name one quantity, with the head
    or without it. Else those in its brackets name one or several, if the words before the brackets
    only say that something is measured.

    >>> items = ("bilirubin (TBIL)", "(ALT)", "Blood tests (AST, ALT)", "asthma (ALT)")
    >>> [[quantity.name for quantity in read_item(item)] for item in items]
    [['total_bilirubin'], ['alt'], ['ast', 'alt'], []]
    >>> [quantity.name for quantity in read_item("aspartate", "aminotransferase")]
    ['ast']
    """
    bracket = _BRACKET.search(text)
    words = _BRACKET.sub(" ", text).strip()
    if words:
        # with its head first: "systolic" alone may be read as something else
        named = find_exactly(f"{words} {head}") if head else None
        named = named or find_exactly(words)
        if named:
            return (named,)
    if bracket is None:
        return ()
    # "asthma (ALT)" names a disease beside the quantity
    if words and not _KIND_OF_TEST.search(words):
        return ()
    quantities = []
    for part in _SPLIT.split(bracket[1]):
        quantity = find_exactly(part)
        if quantity is None:
            return ()
        quantities.append(quantity)
    return tuple(quantities)


def split_list(text: str) -> list[str]:
    """Return the items of a list, each with its brackets.

    >>> split_list("AST (SGOT)/ALT (SGPT), and bilirubin (direct, total)")
    ['AST (SGOT)', 'ALT (SGPT)', 'bilirubin (direct, total)']
    """
    # the inside of a bracket is blanked, so that a comma in it parts nothing
    blanked = _BRACKET.sub(lambda found: "_" * len(found[0]), text)
    items = []
    start = 0
    for joint in _SPLIT.finditer(blanked):
        items.append(text[start : joint.start()])
        start = joint.end()
    items.append(text[start:])
    return [item.strip() for item in items if item.strip()]


def read_list(text: str) -> tuple[KnownQuantity, ...]:
    """Return the quantities that the items of a list name, in order and each once. There are none
    if any item names no quantity, or something else.

    >>> listed = read_list("serum aspartate (AST) or alanine (ALT) aminotransferase")
    >>> [quantity.name for quantity in listed]
    ['ast', 'alt']
    """
    items = split_list(text)
    heads = [*map(_read_head, items[1:]), ""]
    by_name: dict[str, KnownQuantity] = {}
    for item, head in zip(items, heads, strict=True):
        quantities = read_item(item, head)
        if not quantities:
            return ()
        for quantity in quantities:
            by_name[quantity.name] = quantity
    return tuple(by_name.values())


def find_list_start(tokens: Tokens, floor: int, name: Range, unit: Range | None) -> int:
    """Return the token at which a list of quantities begins that share one limit: "AST, ALT and
    bilirubin < 2 x ULN".

    ``name`` are the tokens of the last item, or of the last ones. ``unit`` are those of the limit's
    unit, and no item begins before token ``floor``.

    Starting with the item before the name, the items are taken into the list while each names a
    quantity and nothing else, and can share the limit: a multiple of a limit of normal is one of
    any laboratory value, another number needs one canonical unit. The result is the start of
    ``name`` if it names no quantity or no item precedes it.
    """
    first, last = name
    unit_code = read_unit(tokens.read(*unit)) if unit else None
    items = split_list(tokens.read(first, last))
    if not items:
        return first
    limited = read_item(items[-1])
    head = _read_head(items[0])
    while limited:
        end = _skip_joints(tokens, floor, first)
        if end == first:
            break
        start = _find_item(tokens, floor, end, head)
        if start is None:
            break
        # "normal creatinine, bilirubin < 2 x ULN": the creatinine is a condition of its own
        if start > floor and tokens.words[start - 1].lower() in _ON_THEIR_OWN:
            break
        text = tokens.read(start, end)
        item = read_item(text, head)
        # "transaminases, ALT and AST > 3 x ULN": the kind has no limit of its own
        is_kind = "(" not in text and _is_kind_of(item, limited)
        if is_kind or not _can_share_limit((*item, *limited), unit_code):
            break
        first = start
        head = _read_head(text)
    return first


def leaves_out(tokens: Tokens, floor: int, first: int, unit: str | None) -> bool:
    """Return whether the name of a limit, which begins at token ``first``, may leave out an item of
    its list: a quantity stands before it, behind token ``floor`` and in the same clause, that can
    have the limit's ``unit`` (a UCUM code) and has no number.

    False without a unit. Vague names do not count: weak ones, names of kinds, viral loads.
    """
    end = _skip_joints(tokens, floor, first)
    if end == first:
        return False
    start = max(floor, end - _CUT_REACH)
    for sign in _CLAUSE_SIGNS:
        start = max(start, tokens.codes.rfind(sign, start, end) + 1)
    # without a unit, too many words may be a quantity: "Hoehn & Yahr stage 1"
    if unit is None or NUMBER in tokens.codes[start:end]:
        return False
    for quantity in list_named(tokens.read(start, end)):
        is_vague = quantity.weak or quantity.both or _is_viral(quantity)
        if not is_vague and quantity.fits(unit):
            return True
    return False


def _read_head(item: str) -> str:
    """Return the last word of an item, outside its brackets, which the item before it may share:
    the "aminotransferase" of "alanine (ALT) aminotransferase". "" if the item has no word, or ends
    with one that others do not share ("score").
    """
    last_word = _LAST_WORD.search(_BRACKET.sub(" ", item).strip())
    if last_word is None or last_word[1].lower() in _OWN_HEADS:
        return ""
    return last_word[1]


def _skip_joints(tokens: Tokens, floor: int, end: int) -> int:
    """Return the token at which the joints directly before ``end`` begin, such as ", and"; ``end``
    if there are none. At least one token behind ``floor`` is left.
    """
    while end > floor + 1 and tokens.words[end - 1].lower() in _JOINTS:
        end -= 1
    return end


def _find_item(tokens: Tokens, floor: int, end: int, head: str) -> int | None:
    """Return the first token of the item of a list that ends at token ``end``: of the words before
    it, the most that name a quantity; None if none do. ``head`` is the last word of the next item.
    """
    name_end = _find_bracket_start(tokens, floor, end)
    starts = list(_list_starts(tokens, floor, name_end))
    # the brackets alone may be the item: "(ALT)"
    if name_end < end:
        starts.insert(0, name_end)
    for start in reversed(starts):
        if read_item(tokens.read(start, end), head):
            return start
    return None


def _list_starts(tokens: Tokens, floor: int, end: int) -> Iterator[int]:
    """Yield the tokens at which a name may begin that ends at token ``end``, the shortest name
    first. A name has at most five words, no joint, no function word ("of") and no sign but a
    hyphen. It does not begin with the hyphen.
    """
    barred = _JOINTS | word_list("function_words")
    start = end
    while start > max(floor, end - _LONGEST_NAME):
        word = tokens.words[start - 1]
        is_word = word.replace("-", "").isalnum() and word.lower() not in barred
        is_hyphen = word == "-" and tokens.joined(start)
        if not is_word and not is_hyphen:
            return
        start -= 1
        if is_word:
            yield start


def _find_bracket_start(tokens: Tokens, floor: int, end: int) -> int:
    """Return the token at which the brackets open that close directly before ``end``: those with
    another form of a name, "ALT (SGPT)". It is ``end`` if there are none, or if they hold a number
    or more than ten tokens.
    """
    if end <= floor or tokens.codes[end - 1] != ")":
        return end
    opened = tokens.codes.rfind("(", max(floor, end - _LONGEST_BRACKET), end)
    if opened < floor or NUMBER in tokens.codes[opened:end]:
        return end
    return opened


def _can_share_limit(quantities: tuple[KnownQuantity, ...], code: str | None) -> bool:
    """Return whether one limit with the unit ``code`` can be that of all quantities.

    A multiple of a limit of normal can if all are laboratory values, none of them a viral load. Any
    other number can if all have the same canonical unit, so "height and weight > 50 kg" is no list.
    """
    if code not in _MULTIPLES:
        return len({quantity.unit for quantity in quantities}) == 1
    for quantity in quantities:
        # "Hepatitis B, hepatitis C, ALT > 3 x ULN": a virus has no limit of normal
        if not quantity.laboratory or _is_viral(quantity):
            return False
        if not quantity.fits(code):
            return False
    return True


def _is_kind_of(
    quantities: tuple[KnownQuantity, ...], others: tuple[KnownQuantity, ...]
) -> bool:
    """Return whether quantities only name the kind of others, which alone have the limit: "high
    blood pressure, systolic pressure > 140".

    They do if a name of theirs is weak and none of the others' is, or if they stand for several
    quantities, as transaminases do for ALT and AST, of which the others have one.
    """
    is_weak = any(quantity.weak for quantity in quantities)
    if is_weak and not any(other.weak for other in others):
        return True
    parts = frozenset().union(*(quantity.both for quantity in quantities))
    return any(other.name in parts for other in others)


def _is_viral(quantity: KnownQuantity) -> bool:
    """Return whether a quantity is a viral load. Its name may mean the infection, which has no
    limit: "hepatitis C, ALT > 3 x ULN".
    """
    return _COPIES in quantity.others
