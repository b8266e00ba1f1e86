"""Units of doses: a base with what it is given per, as one plain token."""

import re

from extractor.parse.vocabulary import load_vocabulary

__all__ = ["COUNTED", "UNIT", "read_unit"]

COUNTED = frozenset(
    {"tablet", "capsule", "drop", "puff", "spray", "sachet", "lozenge", "suppository", "patch", "bag", "teaspoon"}
    | {"tablespoon", "bottle", "applicator", "scoop", "cup"}
)
"""Units that count pieces instead of measuring a substance."""


def _exact(term: str) -> bool:
    return term.isupper() and len(term) <= 4


_TERMS = {term: entry.value for entry in load_vocabulary("dose_units").entries for term in entry.terms}


def _join_terms() -> str:
    """All terms, longest first, parted by their first letter: most texts fail at once."""
    by_letter: dict[str, list[str]] = {}
    for term in sorted(_TERMS, key=len, reverse=True):
        body = re.escape(term)
        written = f"(?-i:{body})" if _exact(term) else body.replace(r"\ ", r"[\s-]")
        by_letter.setdefault(re.escape(term[0].lower()), []).append(written)
    return "|".join(f"(?={letter})(?:{'|'.join(terms)})" for letter, terms in by_letter.items())


_BASE = _join_terms()
_VALUES = {term if _exact(term) else term.lower(): value for term, value in _TERMS.items()}

# What a dose is given per. Words for one giving ("per dose") add nothing to the unit.
_PER = (
    (r"(?:kgs?|kilograms?(?:\s?\(kg\))?)(?:(?:\sof)?\sbody[\s-]?weight|\sbw)?", "kg"),
    (r"m\s?(?:\^\s?)?(?:\(2\)|-?\s?2)|sq\.?\s?m(?:eter)?|msq|square[\s-]met(?:er|re)s?(?:\s?\(m\^?2\))?|sqm", "m2"),
    (r"days?|daily|d|24\s?(?:h|hours)", "day"),
    (r"weeks?|weekly|wk", "week"),
    (r"hours?|hr|h", "h"),
    (r"min(?:ute)?s?", "min"),
    (r"sec(?:ond)?s?", "sec"),
    (r"cm\s?(?:\^\s?)?2|square[\s-]centimet(?:er|re)s?", "cm2"),
    (r"dis[ck]", "disc"),
    (r"100\s?ml", "100mL"),
    (r"\d+(?:\.\d+)?\s?ml", ""),
    (r"ml|milliliter", "mL"),
    (r"(?-i:IgE)\s?[\[(]\s?(?:IU|kU|U|KU)/m?l\s?[\])]", "IgE(IU/mL)"),
    (r"(?-i:IgE)", "IgE"),
    (r"dose|time|injection|infusion|administration|fraction|fx|application|course|cycle|treatment|nostril|eye", ""),
)
_PER_UNITS = [(re.compile(pattern, re.IGNORECASE), token) for pattern, token in _PER]
_PER_ANY = "|".join(pattern for pattern, _ in _PER)

# "ug/(kg·h)" and "ug·kg-1·h-1" are a rate too.
_INVERSE = r"[•·.*]\s?(?:kg|hr?|min|days?|d|m)\s?\^?-\s?[12](?!\d)|\s?/\s?\(\s?kg\s?[•·.*/x]\s?(?:hr?|min|days?|d)\s?\)"

UNIT = (
    rf"(?:{_BASE})(?:\s?\((?:{_BASE})\))?(?![A-Za-z]|-CSF\b)"
    rf"(?:{_INVERSE}|(?:\s?/\s?|\spe?r\s|\*|\s(?=IgE))(?:{_PER_ANY})(?![A-Za-z\d]))*"
)
"""Expression for one unit in cleaned text, without groups. Use with ``re.IGNORECASE``."""

_RATES = frozenset({"day", "week", "h", "min", "sec"})
_PARTS = re.compile(rf"(?P<base>{_BASE})(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_STEP = re.compile(rf"(?:[/•·.*][\s(]*|\bpe?r\b\s?|\s(?=IgE)\s?)(?P<per>{_PER_ANY})(?![A-Za-z\d])", re.IGNORECASE)


def read_unit(text: str) -> str | None:
    """The plain token for a match of ``UNIT``, or None.

    Per body surface a daily rate is the dose of one giving; elsewhere "/day" is kept.

    >>> [read_unit(u) for u in ("mcg", "milligrams per kilogram", "mg/m^2/day", "ug•kg-1•h-1", "Gy/fraction")]
    ['ug', 'mg/kg', 'mg/m2', 'ug/kg/h', 'Gy']
    """
    found = _PARTS.match(text.strip())
    if not found:
        return None
    base = found["base"]
    value = _VALUES.get(base) or _VALUES.get(re.sub(r"[\s-]+", " ", base.lower())) or _VALUES.get(base.lower())
    if value is None:
        return None
    steps = [_read_per(step["per"]) for step in _STEP.finditer(found["rest"])]
    steps.sort(key=_RATES.__contains__)  # "ug/min/kg" is "ug/kg/min"
    if "m2" in steps or value in COUNTED:
        steps = [step for step in steps if step != "day"]
    return "/".join([value, *filter(None, steps)])


def _read_per(text: str) -> str:
    return next((token for pattern, token in _PER_UNITS if pattern.fullmatch(text)), "")
