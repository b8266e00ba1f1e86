"""What a trial's titles say of its agents: which are named as the ones that are tested."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from extractor.text.lexer import Tokens

from .agents import Lexicon

__all__ = ["Standing", "TitleUse", "describe_titles", "view_titles"]

_BESIDE = re.compile(
    r"\b(?:(?:in|as) (?:a )?combin\w+ with|combined with|together with|added to|add-?on (?:to|therapy to)|"
    r"in addition to|on top of|with(?! or | and ))\b",
    re.IGNORECASE,
)
"""Words behind which a title names what is given beside the tested agent."""
_AGAINST = re.compile(r"\b(?:versus|vs|(?:as )?compared (?:to|with)|comparison (?:to|with)|over)\b", re.IGNORECASE)
"""Words behind which a title names what is given instead of the tested agent."""
_COMPARES = re.compile(r"\bcompar(?:ing|ison|es?|ed)\b", re.IGNORECASE)
"""A word behind which "with" names what is given instead: "comparing A with B"."""
_SCHEMES = re.compile(r"chemotherapy|\bregimen\b", re.IGNORECASE)


class Standing(StrEnum):
    """How a title names an agent."""

    TESTED = "tested"
    BESIDE = "beside"
    AGAINST = "against"


@dataclass(frozen=True, slots=True)
class TitleUse:
    """How the titles name each agent, by key; ``schemes`` holds where they speak of chemotherapy or of a regimen."""

    standings: Mapping[str, Standing] = field(default_factory=dict)
    schemes: bool = False

    def tests(self, key: str) -> bool:
        """Whether a title names the agent, and not behind "with" or "versus"."""
        return self.standings.get(key) is Standing.TESTED


def view_titles(titles: Sequence[Tokens], lexicon: Lexicon) -> TitleUse:
    """The titles, cleaned, as the roles of the agents depend on them; without any, nothing is known.

    >>> from extractor.parse.dosing.agents import Agent
    >>> from extractor.text.book import read_text
    >>> lexicon = Lexicon((name, Agent(name, "drug", "interventions[0]", 0, 3)) for name in ("fictumab", "cisplatin"))
    >>> view_titles([read_text("Fictumab in Combination With Cisplatin")], lexicon).standings["cisplatin"].value
    'beside'
    """
    standings: dict[str, Standing] = {}
    for title in titles:
        for key, standing in _list_standings(title, lexicon).items():
            if standings.get(key, Standing.TESTED) is Standing.TESTED:
                standings[key] = standing
    return TitleUse(standings, any(_SCHEMES.search(title.text) for title in titles))


def describe_titles(key: str, use: TitleUse, *, standard: bool) -> Iterator[str]:
    """What the titles say of an agent, by name; ``standard`` holds for the usual parts of chemotherapy."""
    if standing := use.standings.get(key):
        yield f"title {standing}"
    elif Standing.TESTED in use.standings.values():
        yield "title omits it"
    elif standard and use.schemes:
        yield "title about scheme"


def _list_standings(tokens: Tokens, lexicon: Lexicon) -> dict[str, Standing]:
    """How a title names each agent: behind another one and a word such as "with", or behind "versus" alone."""
    title = tokens.text
    mentions = sorted(lexicon.find_known(tokens), key=lambda mention: mention.start)
    standings: dict[str, Standing] = {}
    compares = bool(mentions and _COMPARES.search(title, 0, mentions[0].start))
    for mention in mentions:
        between = mentions[0].end, mention.start
        standing = Standing.BESIDE if _BESIDE.search(title, *between) else Standing.TESTED
        if _AGAINST.search(title, *between) or (standing is Standing.BESIDE and compares):
            standing = Standing.AGAINST
        standings.setdefault(mention.value.key, standing)
    return standings
