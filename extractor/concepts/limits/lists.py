"""Lists of quantities before one limit: "AST (SGOT), ALT (SGPT) and bilirubin <= 2 x ULN"."""

import re

from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    find_exactly,
)

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


def _read_head(item: str) -> str:
    """Return the last word of an item, outside its brackets, which the item before it may share:
    the "aminotransferase" of "alanine (ALT) aminotransferase". "" if the item has no word, or ends
    with one that others do not share ("score").
    """
    last_word = _LAST_WORD.search(_BRACKET.sub(" ", item).strip())
    if last_word is None or last_word[1].lower() in _OWN_HEADS:
        return ""
    return last_word[1]
