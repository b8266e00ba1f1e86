"""The keys of instruments, such as "Montreal Cognitive Assessment (MoCA)". They are names of
quantities, so that a query can join an outcome with the limit "MoCA >= 26".
"""

import re
from functools import cache, lru_cache

from extractor.concepts.aliases import find_entry, list_names
from extractor.concepts.limits.quantity_names import KnownQuantity, list_quantities
from extractor.language.shown import show_line

_SIGNS = re.compile(r"[^a-z0-9]+")
_ABBREVIATION = re.compile(r" ?[(\[]([A-Za-z][\w./-]{1,14})[)\]]")
"""An abbreviation in brackets: "(MoCA)"."""
_VERSION = re.compile(r"\b[A-Z][A-Za-z]{1,9}(?:-[A-Z]{1,3})?-(?:\d{1,2}|S|SR)\b")
"""An abbreviation with its number of items, or with a suffix for self-report: "ACQ-6" or "MADRS-S".
"""
_TAIL = re.compile(
    r"(?:\s(?:total|overall|summary))?\s(?:scores?|questionnaires?|scales?)$",
    re.IGNORECASE,
)
"""The general words at the end of a name: "total score"."""
_ARTICLE = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)


@lru_cache(maxsize=4096)
def find_instrument_key(name: str) -> str | None:
    """Return an instrument's key in lower case: the quantity for its score, its usual short form,
    an abbreviation in brackets, or else its name.

    >>> (
    ...     find_instrument_key("Montreal Cognitive Assessment"),
    ...     find_instrument_key("MoCA"),
    ... )
    ('moca', 'moca')
    """
    written = _ARTICLE.sub("", show_line(name))
    scores = _list_scores()
    known = find_entry(written, "instruments")
    if known:
        names = list_names(known)
        # Short forms can have other meanings: "IGA" is also an antibody.
        long = [name for name in names if " " in name] or names
        for key in map(_make_key, sorted(long, key=len, reverse=True)):
            if key in scores:
                return scores[key]
        return _make_key(known.value)
    short = _ABBREVIATION.search(written)
    # "MoCA total score" is the MoCA, but the words of "pain score" are all needed.
    bare = _TAIL.sub("", written)
    if short:
        written = short[1]
    elif " " not in bare:
        written = bare
    key = _make_key(written)
    if key in scores:
        return scores[key]
    # a name of signs alone has no key
    return key or None


def is_other_version(name: str, quantity: KnownQuantity) -> bool:
    """Return whether ``name`` and a quantity refer to different versions of an instrument:
    ACQ-6 is not the ACQ, and MADRS-S is not the MADRS.

    >>> is_other_version("ACQ-6 score", list_quantities()["acq"])
    True
    """
    if quantity.unit != "{score}":
        return False
    names = {_make_key(written) for written in (quantity.name, *quantity.names)}
    for version in _VERSION.findall(name):
        key = _make_key(version)
        # "HAM-D-17" is a spelling of the quantity hamd17
        if key in names or key.replace("_", "") in names:
            continue
        # "IGF-1 SD score" does not name a version, because IGF is not an instrument
        if key.rpartition("_")[0] in names:
            return True
    return False


def _make_key(name: str) -> str:
    """Return the key for a name, in lower case and with underscores between words."""
    return _SIGNS.sub("_", name.casefold()).strip("_")


@cache
def _list_scores() -> dict[str, str]:
    """Return the quantities that may be scores, keyed by their names in key form. These are all
    quantities that are neither general nor laboratory values.
    """
    scores: dict[str, str] = {}
    for name, quantity in list_quantities().items():
        if quantity.general:
            continue
        if quantity.laboratory:
            continue
        for written in (name, *quantity.names):
            scores.setdefault(_make_key(written), name)
    return scores
