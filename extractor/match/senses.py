"""Read the words above a list: what they turn round, and what they permit."""

from functools import lru_cache
from typing import NamedTuple

from extractor.match.words import drop_phrases, find_phrase, has_phrase


class Sense(NamedTuple):
    """What the line above a list does to the items below it.

    Attributes:
        turns: Whether the items below must not be true where the list says that they must.
        permits: Whether it lists what is permitted.
        need: ``all`` or ``any`` of them; empty if it does not say.
        rest: Its other words.
    """

    turns: bool = False
    permits: bool = False
    need: str = ""
    rest: str = ""


@lru_cache(1024)
def read_sense(lead_in: str | None, *, included: bool) -> Sense:
    """Return what the line above a list does to the items below it.

    >>> read_sense("Failure to meet any of the following:", included=False).turns
    True
    >>> read_sense("Acceptable conditions:", included=False).permits
    True
    """
    if not lead_in:
        return Sense()
    turns = has_phrase("match_turns", lead_in)
    permits = (
        not included
        and not turns
        and has_phrase("match_permits", lead_in)
        and not has_phrase("match_forbids", lead_in)
    )
    need = ""
    rest = lead_in
    if has_phrase("match_together", lead_in):
        need = "all"
        rest = drop_phrases("match_together", rest)
    elif included and _asks_for_one(lead_in):
        need = "any"
        for name in ("match_any_of", "match_number_of", "match_at_least"):
            rest = drop_phrases(name, rest)
    if turns:
        rest = drop_phrases("match_turns", rest)
    if permits:
        rest = drop_phrases("match_permits", rest)
    return Sense(turns, permits, need, rest)


def _asks_for_one(lead_in: str) -> bool:
    """Return whether one of the items below a line is enough."""
    if has_phrase("match_any_of", lead_in):
        return True
    counted = find_phrase("match_number_of", lead_in)
    counted = counted or find_phrase("match_at_least", lead_in)
    return counted is not None and counted.read("n").lower() in ("one", "1")
