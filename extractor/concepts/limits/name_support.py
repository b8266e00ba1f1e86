"""Check whether the words of a limit support the quantity that was read from them.

A limit's quantity may have been inferred from its unit alone, such as ``concentration`` for ng/mL.
A table that is grouped by quantity should only use names that the words support.
"""

import re

from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    get_quantity,
    list_named,
)
from extractor.language.book import word_list
from extractor.measures.names import find_names, fold_words

_COUNT = "1"
_BEHIND_HEAD = re.compile(
    r"\s(?:of|for|in|with|per|during|from|since|prior\sto|within|at|after|before)\s",
    re.IGNORECASE,
)
"""Matches the words after the head of a name: the head of "trials of adequate dose" is "trials"."""
_COUNT_WORDS = frozenset({"number", "no", "count", "time", "total", "history", "use"})
"""Head nouns that only express a count."""
_MULTIPLES = ("{ULN}", "{LLN}", "{baseline}")
_OTHER_HEADS = frozenset({"tki", "inhibitor", "mutation", "amplification", "fusion"})
"""Head nouns that turn a name into that of a gene or a drug: "EGFR-TKI"."""
_BRACKETS = re.compile(r"\([^()]{0,60}\)")
_JOINT = re.compile(r"[,/&]|\b(?:and|or)\b", re.IGNORECASE)
_WEIGHED = "body_weight"


def supports_name(quantity: KnownQuantity, text: str, unit: str | None) -> bool:
    """Return whether ``text`` (the words for a limit's quantity) and the limit's UCUM ``unit``
    support the quantity that was read from them.

    A general quantity that is inferred only from the unit is not supported. An unnamed body weight
    is supported only if the words refer to people. Words do not support a quantity if they end
    with the name of a gene or a drug, state a ratio of several quantities, or count something
    else.

    >>> from extractor.concepts.limits.quantity_names import name_quantity
    >>> texts = (
    ...     ("Cut-off", "ng/mL"),
    ...     ("tumour diameter", "mm"),
    ...     ("trials of adequate dose", None),
    ...     ("doses of vaccine", None),
    ... )
    >>> [
    ...     supports_name(name_quantity(text, unit, value=2), text, unit)
    ...     for text, unit in texts
    ... ]
    [False, True, False, True]
    """
    words = fold_words(text)
    accepted = (quantity.name, quantity.name.removesuffix("_change"))
    names = find_names(words)
    starts = [name.first for name in names if name.quantity in accepted]
    # "adults > 50 kg", unlike "luggage > 20 kg"
    if quantity.name == _WEIGHED and not starts:
        lists = map(word_list, ("people", "idle_words", "scale_words"))
        return frozenset[str]().union(*lists).issuperset(words)
    if words and words[-1] in _OTHER_HEADS:
        return False
    if words and _is_other_ratio(words, text, quantity):
        return False
    if quantity.general:
        # "Cut-off" in ng/mL: the unit alone shows only that it is a concentration
        return bool(starts) or quantity.name in words
    # without a unit, "trials of adequate dose" counts trials, not doses
    if starts and unit is None and quantity.unit == _COUNT:
        return _is_counted(text, starts[0])
    return True


def _is_counted(text: str, word_index: int) -> bool:
    """Return True if the word at ``word_index`` is in the head of a text, or if the head only
    expresses a count. The head of "trials of adequate dose" is "trials".
    """
    head = fold_words(_BEHIND_HEAD.split(text.strip(), maxsplit=1)[0])
    if not head:
        return True
    # "number of lesions" counts the lesions
    return head[-1] in _COUNT_WORDS or word_index < len(head)


def _is_other_ratio(words: tuple[str, ...], text: str, quantity: KnownQuantity) -> bool:
    """Return whether a text states the ratio of ``quantity`` to other known quantities: "neutrophil
    to lymphocyte ratio".
    """
    if "ratio" not in (words[0], words[-1]):
        return False
    # the vocabulary knows this ratio by its own name
    if "ratio" in quantity.name:
        return False
    return len({known.name for known in list_named(text)}) > 1


def list_joined(
    text: str, quantity: KnownQuantity, unit: str | None
) -> tuple[str, ...]:
    """Return the names of the quantities that are mentioned together in a text. The result is
    empty if the text names only one quantity or states a ratio, if the vocabulary has a combined
    name for the quantities, or if one of the quantities cannot have the UCUM ``unit``.
    ``quantity`` is the quantity that was read.

    >>> list_joined("bilirubin or ASAT", get_quantity("ast"), "{ULN}")
    ('total_bilirubin', 'ast')
    >>> list_joined("FEV1/FVC", get_quantity("fev1_fvc_ratio"), "%")
    ()
    """
    parts: dict[str, KnownQuantity] = {}
    for known in list_named(text):
        # transaminases are ALT and AST
        for name in sorted(known.both) or [known.name]:
            parts[name] = get_quantity(name)
    plain = _BRACKETS.sub(" ", text)
    # "FEV1/FVC" is a ratio, "ALT/AST > 3 x ULN" is both
    is_ratio = "/" in plain and unit not in _MULTIPLES
    if len(parts) < 2:
        return ()
    # "transaminases" has a name of its own for ALT and AST
    if quantity.both == parts.keys() or is_ratio:
        return ()
    fits = all(part.fits(unit) for part in parts.values())
    if not fits or not _JOINT.search(plain):
        return ()
    return tuple(parts)
