"""Doses counted in cells or organisms: "2 x 10^6 CAR T cells/kg", "1 x 10^9 CFU"."""

import re
from collections.abc import Iterator

from extractor.parse.numbers import number_places
from extractor.parse.words import find_at
from extractor.schemas import Amount

from .levels import DOSE_NUMBER, LEVEL_SEPARATOR, NEXT_NUMBER, POWER, read_levels, spread_power
from .marks import Mark

__all__ = ["find_counts", "restore_power"]

_COUNTS = re.compile(rf"{DOSE_NUMBER}(?:(?:\s?/\s?kg)?{LEVEL_SEPARATOR}{NEXT_NUMBER}){{0,11}}", re.IGNORECASE)
_PER_BODY = re.compile(r"\s?(?:/|\bper\b)\s?(?P<per>kg\b|kilogram|m\s?\^?2)", re.IGNORECASE)
_PER_VOLUME = re.compile(r"\s?(?:/|\bper\b)\s?(?:l|ml|ul|μl|mm|litre|liter)", re.IGNORECASE)
_THING = re.compile(
    r"(?:\s?\(?\s?(?:±|\+/-)\s?\d+\s?%\s?\)?)?"
    r"(?:\s(?!(?:and|or|to|on|for|via|in|of)\s)[\w+./()-]{1,40}){0,7}?"
    r"\s?(?P<thing>CAR[-+]*\s?(?:T|NK)s?(?:[- ](?:cells?|lymphocytes))?|[\w+-]*cells?|TILs?|CFUs?"
    r"|colony[ -]forming units|plaque[ -]forming units|PFUs?|vg|vector genomes|genome copies|lymphocytes"
    r"|vir(?:us|al) particles|vp|TCID50|organisms|bacteria)\b",
    re.IGNORECASE,
)
_TOKENS = {
    "cfu": "CFU", "colony": "CFU", "pfu": "PFU", "plaque": "PFU", "vg": "vg", "vector": "vg", "genome": "vg",
    "vp": "vp", "viral": "vp", "virus": "vp", "tcid": "TCID50", "organisms": "organisms", "bacteria": "bacteria",
}  # fmt: skip
"""What is counted, by how its name begins; all else are cells."""

# Superscripts are lost in many records: "107 cells" means ten to the seventh.
_LOST_POWER = re.compile(r"\b10([5-9]|1[0-2])\b")
_LARGE = re.compile(r"\d{5}|\d,\d{3},\d{3}")


def find_counts(text: str) -> Iterator[Mark[tuple[Amount, ...]]]:
    """Every dose that counts cells, left to right. A bare power of ten counts cells too.

    >>> [(a.high, a.unit) for m in find_counts("1 or 3 x 10^6 CAR+ T cells/kg") for a in m.value]
    [(1000000, 'cells/kg'), (3000000, 'cells/kg')]
    """
    for found in find_at(_COUNTS, text, number_places(text)):
        if not (POWER.search(found[0]) or _LARGE.search(found[0]) or _LOST_POWER.search(found[0])):
            continue
        body = _PER_BODY.match(text, found.end())
        thing = None if body else _THING.match(text, found.end())
        numbers = _PER_BODY.sub("", found[0])
        if thing:
            body = _PER_BODY.match(text, thing.end())
            numbers = numbers if POWER.search(numbers) else restore_power(numbers)
        if not _is_count(text, found.end(), numbers, has_thing=thing is not None):
            continue
        unit = _name_thing(thing["thing"] if thing else "") + _name_body(body["per"] if body else "")
        if amounts := read_levels(text, found.start(), spread_power(numbers), unit):
            yield Mark(amounts, found.start(), max(found.end(), *(m.end() for m in (thing, body) if m), 0))


def _is_count(text: str, end: int, numbers: str, *, has_thing: bool) -> bool:
    if POWER.search(numbers):
        return not _PER_VOLUME.match(text, end)
    return has_thing and bool(_LARGE.search(numbers))


def restore_power(numbers: str) -> str:
    """A power of ten whose superscript was lost.

    >>> restore_power("107"), restore_power("250")
    ('10^7', '250')
    """
    return _LOST_POWER.sub(r"10^\1", numbers)


def _name_thing(thing: str) -> str:
    return next((token for start, token in _TOKENS.items() if thing.lower().startswith(start)), "cells")


def _name_body(per: str) -> str:
    return "" if not per else "/kg" if per.lower().startswith("k") else "/m2"
