"""One key for an instrument of endpoints, shared with the quantities of limits: "Montreal Cognitive
Assessment (MoCA)" as what is measured, and "MoCA >= 26" as a limit.
"""

import re
from functools import cache

from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    list_quantities,
    name_quantity,
)
from extractor.language.book import Entry, terms_of
from extractor.language.shown import show_line

_SIGNS = re.compile(r"[^a-z0-9]+")
_ABBREVIATION = re.compile(r" ?[(\[]([A-Za-z][\w./-]{1,14})[)\]]")
_VERSION = re.compile(r"\b[A-Z][A-Za-z]{1,9}(?:-[A-Z]{1,3})?-(?:\d{1,2}|S|SR)\b")
"""An abbreviation with the number of its items, or a mark of self-report: "ACQ-6"."""
_TAIL = re.compile(
    r"(?:\s(?:total|overall|summary))?\s(?:scores?|questionnaires?|scales?)$",
    re.IGNORECASE,
)
_SCORE = "{score}"
_ARTICLE = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)


def name_instrument(name: str, around: str = "") -> str | None:
    """Return the key of an instrument: the name of the quantity that is its score, else the usual
    short form in small letters.

    The short form is that of the vocabulary of instruments, else the one that the name or the words
    ``around`` explain: "Quality of Sleep Index (QSI)". An unknown name is its own key; None if it
    has no letters and digits.

    >>> name_instrument("Montreal Cognitive Assessment"), name_instrument("MoCA")
    ('moca', 'moca')
    >>> name_instrument("EORTC QLQ-C30")
    'eortc_qlq_c30'
    >>> name_instrument(
    ...     "Quality of Sleep Index", "The Quality of Sleep Index (QSI) at week 4"
    ... )
    'qsi'
    """
    written = _ARTICLE.sub("", show_line(name))
    entry = _index_entries().get(written) or _index_entries().get(_fold(written))
    if entry:
        quantity = _find_score(entry)
        return quantity.name if quantity else _fold(entry.value)
    short = _find_short(written, show_line(around))
    explained = _index_entries().get(short)
    if explained:
        return name_instrument(explained.value)
    quantity = _read_score(written)
    if quantity:
        return quantity.name
    bare = _TAIL.sub("", written)
    # "MoCA total score" is the MoCA.
    if bare != written and " " not in bare:
        return name_instrument(bare)
    return _fold(short) or None


def name_other_version(name: str, quantity: KnownQuantity) -> str | None:
    """Return the key of the version of an instrument that words name, if a quantity is another one:
    ACQ-6 is not the ACQ, and MADRS-S not the MADRS. None if they name no version with a hyphen, or
    the quantity is no score.

    >>> acq = list_quantities()["acq"]
    >>> name_other_version("ACQ-6 score", acq), name_other_version("ACQ score", acq)
    ('acq_6', None)
    """
    if quantity.unit != _SCORE:
        return None
    names = {_fold(written) for written in (quantity.name, *quantity.names)}
    first_words = {folded.split("_")[0] for folded in names}
    for version in _VERSION.finditer(name):
        key = _fold(version[0])
        if key in names or key.replace("_", "") in names:
            continue
        instrument = key.rpartition("_")[0]
        if instrument in names or instrument in first_words:
            return key
    return None


def _fold(name: str) -> str:
    """Return a name as a key: small letters and numbers, with underscores between."""
    return _SIGNS.sub("_", name.casefold()).strip("_")


@cache
def _index_entries() -> dict[str, Entry]:
    """Return the instruments by each of their names, as written and as a key. "mRS" as written is
    no "MRS". Where two instruments share a name, a usual short form goes before a longer name,
    and a name as written before a key.
    """
    entries = terms_of("instruments")
    by_name = {_fold(entry.value): entry for entry in entries}
    # Of several instruments with one name, the first one has it: it is written last.
    for entry in reversed(entries):
        by_name |= dict.fromkeys((*entry.also, *entry.terms), entry)
    by_name |= {entry.value: entry for entry in entries}
    for entry in entries:
        for term in (*entry.terms, *entry.also):
            by_name.setdefault(_fold(term), entry)
    return by_name


def _find_score(entry: Entry) -> KnownQuantity | None:
    """Return the quantity that is the score of an instrument; None without one. Its names are
    tried, the longest first. Short forms count only for an instrument without a longer name, since
    they have other meanings: "IGA" is an antibody, too.
    """
    names = (entry.value, *entry.terms, *entry.also)
    longest_first = sorted(names, key=lambda name: -len(name))
    has_long_name = " " in longest_first[0]
    for name in longest_first:
        is_short_form = " " not in name
        if has_long_name and is_short_form:
            break
        quantity = _read_score(name)
        if quantity:
            return quantity
    return None


def _read_score(name: str) -> KnownQuantity | None:
    """Return the quantity whose whole name this is, if that may be a score."""
    quantity = name_quantity(name)
    if quantity is None or quantity.general or quantity.laboratory:
        return None
    if _fold(name) not in _index_scores().get(quantity.name, frozenset()):
        return None
    return quantity


@cache
def _index_scores() -> dict[str, frozenset[str]]:
    """Return the names of each quantity. A longer name may be that of another instrument."""
    return {
        name: frozenset(map(_fold, (name, *quantity.names)))
        for name, quantity in list_quantities().items()
    }


def _find_short(name: str, around: str) -> str:
    """Return the short form in brackets behind a name, in the name itself or in the words
    around; else the name unchanged.
    """
    long_form = _ABBREVIATION.sub("", name)
    for text in (name, around):
        start = text.casefold().find(long_form.casefold())
        if start < 0:
            continue
        explained = _ABBREVIATION.match(text, start + len(long_form))
        if explained:
            return explained[1]
    return name
