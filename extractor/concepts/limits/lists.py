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
_BREAKS = ".;:"
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
    """Return the quantities that an item of a list names, if it names nothing else: by its words,
    by those in its brackets, or by its words with the last word of the next item, ``head``.

    >>> items = ("bilirubin (TBIL)", "(ALT)", "Blood tests (AST, ALT)", "asthma (ALT)")
    >>> [[one.name for one in read_item(item)] for item in items]
    [['total_bilirubin'], ['alt'], ['ast', 'alt'], []]
    >>> [one.name for one in read_item("aspartate", "aminotransferase")]
    ['ast']
    """
    bracket = _BRACKET.search(text)
    words = _BRACKET.sub(" ", text).strip()
    if words:
        # with its head first: "systolic" alone may be read as something else
        whole = find_exactly(f"{words} {head}") if head else None
        own = whole or find_exactly(words)
        if own:
            return (own,)
    if bracket is None:
        return ()
    inner = [find_exactly(part) for part in _SPLIT.split(bracket[1])]
    known = tuple(one for one in inner if one)
    if not known or len(known) < len(inner):
        return ()
    # "asthma (ALT)" names a disease beside the quantity
    is_kind = not words or _KIND_OF_TEST.search(words)
    return known if is_kind else ()


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
    """Return the quantities of a list, in order; nothing if an item names none.

    >>> found = read_list("serum aspartate (AST) or alanine (ALT) aminotransferase")
    >>> [quantity.name for quantity in found]
    ['ast', 'alt']
    """
    items = split_list(text)
    heads = [*map(_read_head, items[1:]), ""]
    read = [read_item(item, head) for item, head in zip(items, heads, strict=True)]
    if not all(read):
        return ()
    distinct = {quantity.name: quantity for found in read for quantity in found}
    return tuple(distinct.values())


def find_list_start(tokens: Tokens, floor: int, name: Range, unit: Range | None) -> int:
    """Return where the list of quantities begins that ends with a name; the start of the name if it
    ends none.

    All share the limit, so all must be able to have its ``unit``: a multiple of a limit of normal
    is one of any laboratory value.
    """
    first, last = name
    code = read_unit(tokens.read(*unit)) if unit else None
    items = split_list(tokens.read(first, last))
    known = read_item(items[-1]) if items else ()
    head = _read_head(items[0]) if items else ""
    while known:
        end = _skip_joints(tokens, floor, first)
        if end == first:
            break
        start = _find_item(tokens, floor, end, head)
        if start is None or _stands_alone(tokens, floor, start):
            break
        text = tokens.read(start, end)
        item = read_item(text, head)
        is_kind = "(" not in text and _holds(item, known)
        if is_kind or not _share_unit((*item, *known), code):
            break
        first = start
        head = _read_head(text)
    return first


def leaves_out(tokens: Tokens, floor: int, first: int, unit: str | None) -> bool:
    """Return whether a quantity that can have the UCUM ``unit`` of a limit stands before its name,
    in the same list, and has no limit. Without a unit the answer is no.
    """
    end = _skip_joints(tokens, floor, first)
    if end == first:
        return False
    start = max(floor, end - _CUT_REACH)
    for sign in _BREAKS:
        start = max(start, tokens.codes.rfind(sign, start, end) + 1)
    # without a unit too much may be one: "Hoehn & Yahr stage 1"
    if unit is None or NUMBER in tokens.codes[start:end]:
        return False
    for quantity in list_named(tokens.read(start, end)):
        is_vague = quantity.weak or quantity.both or _is_viral(quantity)
        if not is_vague and quantity.fits(unit):
            return True
    return False


def _read_head(item: str) -> str:
    """Return the last word of an item, outside its brackets, which the item before may share."""
    found = _LAST_WORD.search(_BRACKET.sub(" ", item).strip())
    if found is None or found[1].lower() in _OWN_HEADS:
        return ""
    return found[1]


def _skip_joints(tokens: Tokens, floor: int, end: int) -> int:
    """Return the end of the item before ``end``: where the joints between them begin."""
    while end > floor + 1 and tokens.words[end - 1].lower() in _JOINTS:
        end -= 1
    return end


def _find_item(tokens: Tokens, floor: int, end: int, head: str) -> int | None:
    """Return the start of the item of a list that ends at ``end``: the longest that names a
    quantity.
    """
    name_end = _skip_bracket(tokens, floor, end)
    starts = [*_list_starts(tokens, floor, name_end)]
    if name_end < end:
        starts.insert(0, name_end)
    naming = (at for at in reversed(starts) if read_item(tokens.read(at, end), head))
    return next(naming, None)


def _list_starts(tokens: Tokens, floor: int, end: int) -> Iterator[int]:
    """Yield where a name may begin that ends at ``end``, the shortest first."""
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


def _skip_bracket(tokens: Tokens, floor: int, end: int) -> int:
    """Return the end of a name before its other form in brackets: "ALT (SGPT)". A bracket with a
    number is none.
    """
    if end <= floor or tokens.codes[end - 1] != ")":
        return end
    opened = tokens.codes.rfind("(", max(floor, end - _LONGEST_BRACKET), end)
    if opened < floor or NUMBER in tokens.codes[opened:end]:
        return end
    return opened


def _stands_alone(tokens: Tokens, floor: int, start: int) -> bool:
    """Return whether the word before an item makes it a condition of its own."""
    return start > floor and tokens.words[start - 1].lower() in _ON_THEIR_OWN


def _share_unit(quantities: tuple[KnownQuantity, ...], code: str | None) -> bool:
    """Return whether one limit can be that of all quantities: a multiple of a limit of normal of
    laboratory values, or a number in the canonical unit of all.
    """
    if code not in _MULTIPLES:
        return len({quantity.unit for quantity in quantities}) == 1
    for quantity in quantities:
        if not quantity.laboratory or _is_viral(quantity):
            return False
        if not quantity.fits(code):
            return False
    return True


def _holds(
    quantities: tuple[KnownQuantity, ...], others: tuple[KnownQuantity, ...]
) -> bool:
    """Return whether quantities are the kind of others, which alone have the limit: "high blood
    pressure, systolic pressure > 140".

    A kind has a weak name where the others have none, or stands for several, as transaminases do.
    """
    is_weak = any(quantity.weak for quantity in quantities)
    if is_weak and not any(other.weak for other in others):
        return True
    parts = frozenset().union(*(quantity.both for quantity in quantities))
    return any(other.name in parts for other in others)


def _is_viral(quantity: KnownQuantity) -> bool:
    """Return whether a quantity is a viral load, which may be named as the infection: "hepatitis C,
    ALT > 3 x ULN".
    """
    return _COPIES in quantity.others
