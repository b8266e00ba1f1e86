"""What a trial's titles say of its agents: which are named as the ones that are tested."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .agents import Lexicon

__all__ = ["TitleUse", "view_titles"]

_BESIDE = re.compile(
    r"\b(?:(?:in|as) (?:a )?combin\w+ with|combined with|together with|added to|add-?on (?:to|therapy to)|"
    r"in addition to|on top of|versus|vs|compar\w+ (?:to|with)|with(?! or | and ))\b",
    re.IGNORECASE,
)
"""Words behind which a title names what is given beside, or instead of, the tested agent."""
_SCHEMES = re.compile(r"chemotherapy|\bregimen\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TitleUse:
    """The agents, by key, that the titles name first (``tested``) and only behind "with" or "versus" (``beside``).

    ``schemes`` holds where a title speaks of chemotherapy or of a regimen: its parts are tested together.
    """

    tested: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    schemes: bool = False


def view_titles(titles: Sequence[str], lexicon: Lexicon) -> TitleUse:
    """The titles, cleaned, as the roles of the agents depend on them; without any, nothing is known.

    >>> from extractor.parse.dosing.agents import Agent
    >>> lexicon = Lexicon((name, Agent(name, "drug", "interventions[0]", 0, 3)) for name in ("fictumab", "cisplatin"))
    >>> use = view_titles(["Fictumab in Combination With Cisplatin"], lexicon)
    >>> sorted(use.tested), sorted(use.beside)
    (['fictumab'], ['cisplatin'])
    """
    sides = [side for title in titles for side in _list_sides(title, lexicon)]
    beside = frozenset(key for key, behind in sides if behind)
    tested = frozenset(key for key, behind in sides if not behind)
    return TitleUse(tested - beside, beside, any(map(_SCHEMES.search, titles)))


def _list_sides(title: str, lexicon: Lexicon) -> Iterator[tuple[str, bool]]:
    """Each agent that a title names, and whether it stands behind a word such as "with" and another agent."""
    mentions = sorted(lexicon.find_known(title), key=lambda mention: mention.start)
    for place, mention in enumerate(mentions):
        behind = place > 0 and _BESIDE.search(title, mentions[0].end, mention.start) is not None
        yield mention.value.key, behind
