"""For whom a limit holds, where its criterion gives one for each sex: "haemoglobin < 13 g/dL (men), < 12 (women)"."""

from bisect import bisect
from collections.abc import Mapping
from typing import Any

from extractor.schemas import Sex
from extractor.text.book import read_text, rule
from extractor.text.lexer import Tokens

_NAMES = {"men": Sex.MALE, "women": Sex.FEMALE}
_STOPS = frozenset(".;")


def find_sex(limit: int, criterion: Mapping[str, Any]) -> Sex | None:
    """The sex that a criterion names for its limit at this index; None if it names none, or both together.

    The sexes stand before the limits or behind them, in the same clause. The first one shows which.

    >>> quote = "Hb < 13 g/dL in men and < 12 g/dL in women"
    >>> ends = [{"field": f"constraints[{at}]", "start": 0, "end": end} for at, end in enumerate((12, 33))]
    >>> whole = {"field": "quote", "start": 0, "end": len(quote)}
    >>> [find_sex(at, {"quote": quote, "evidence": [whole, *ends]}).value for at in (0, 1)]
    ['male', 'female']
    """
    tokens = read_text(criterion["quote"])
    pieces = criterion.get("evidence") or ()
    begin = next((piece["start"] for piece in pieces if piece["field"] == "quote"), 0)
    limits = (piece for piece in pieces if piece["field"].startswith("constraints["))
    last = {piece["field"]: bisect(tokens.ends, piece["end"] - begin - 1) for piece in limits}  # their last tokens
    place, places = last.get(f"constraints[{limit}]"), sorted(last.values())
    named = _find_named(tokens)
    if not named or place is None or rule("all_sexes").search(tokens) or len(tokens.text) != len(criterion["quote"]):
        return None
    if min(named) < places[0]:
        at = max((one for one in named if one < place), default=None)
    else:
        following = next((one for one in places if one > place), len(tokens))
        at = min((one for one in named if place < one < following), default=None)
    if at is None or not _STOPS.isdisjoint(tokens.codes[min(at, place) : max(at, place)]):
        return None
    return named[at]


def _find_named(tokens: Tokens) -> dict[int, Sex]:
    """The tokens that name a sex."""
    found = ((one.first, sex) for name, sex in _NAMES.items() for one in rule(name).find(tokens))
    return {at: sex for at, sex in found if not rule("not_sex").starts(tokens, at)}
