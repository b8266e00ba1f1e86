"""The trial as the roles of its agents depend on it: arms, titles, what is given, what it is all about."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

from extractor.text.book import rule
from extractor.text.lexer import Tokens, lex

from .agents import Agent, Lexicon
from .facts import Statement
from .passages import Passage

__all__ = ["Standing", "TitleUse", "Trial", "class_name", "view_titles", "view_trial"]

_SIGNS = {
    "cell therapy": "trial_cell_therapy",
    "graft": "trial_graft",
    "vaccine": "trial_vaccine",
    "allergen": "trial_allergen",
    "asthma": "trial_asthma",
}
"""What a trial is about, and the rule that tells it."""


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


@dataclass(frozen=True, slots=True)
class Trial:
    """What decides roles: the kinds of the arms, which arms (by place) name which agent, and what it is all about.

    ``agents`` are those that are given; ``novel`` and ``standard`` hold the keys of those whose names say so;
    ``frequencies`` counts the different ones that are named where agents are given. ``labels`` says which arms have the
    agent in their label, ``kinds_of_arms`` what kind of arm each section is.
    """

    arms: Sequence[str]
    use: Mapping[str, frozenset[int]]
    agents: tuple[str, ...]
    kinds: Mapping[str, str]
    signs: tuple[str, ...]
    novel: frozenset[str] = frozenset()
    standard: frozenset[str] = frozenset()
    titles: TitleUse = field(default_factory=TitleUse)
    frequencies: int = 0
    labels: Mapping[str, frozenset[int]] = field(default_factory=dict)
    kinds_of_arms: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_compared(self) -> bool:
        """Whether an arm gets something else than what is tested."""
        return not {"active", "placebo", "sham"}.isdisjoint(self.arms)

    def tests_beside(self, agent: Agent) -> bool:
        """Whether another agent is what the trial is about, by the names of both; titles tell more than names."""
        novel = self.novel - {agent.key}
        if self.titles.tests(agent.key):
            return False
        if self.titles.standings:
            return not novel.isdisjoint(self.titles.standings)
        return bool(novel) and not self.titles.schemes


def view_trial(
    passages: Sequence[Passage], lexicon: Lexicon, statements: Sequence[Statement], titles: Sequence[Tokens] = ()
) -> Trial:
    """The trial as the roles of its agents depend on it; ``titles`` are its titles, if they are known."""
    arms = [passage for passage in passages if passage.is_arm]
    mentions = [
        (place, arm, mention) for place, arm in enumerate(arms) for mention in lexicon.find(arm.tokens, arm.section)
    ]
    agents = tuple(dict.fromkeys(statement.agent.key for statement in statements))
    classes = {key: class_name(key) for key in agents}
    return Trial(
        arms=[_class_arm(arm.kind) for arm in arms],
        use=_group((mention.value.key, place) for place, _, mention in mentions),
        agents=agents,
        kinds={passage.section: passage.kind for passage in passages},
        signs=tuple(sign for sign, told in _SIGNS.items() if any(rule(told).search(one.tokens) for one in passages)),
        novel=frozenset(key for key in agents if "novel" in classes[key]),
        standard=frozenset(key for key in agents if "standard" in classes[key]),
        titles=view_titles(titles, lexicon),
        labels=_group((mention.value.key, place) for place, arm, mention in mentions if mention.end <= arm.title[1]),
        kinds_of_arms={arm.section: _class_arm(arm.kind) for arm in arms},
        frequencies=len({mark.value for statement in statements for mark in statement.clause.marks.frequency}),
    )


def _group(pairs: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for key, place in pairs:
        found.setdefault(key, set()).add(place)
    return {key: frozenset(places) for key, places in found.items()}


def class_name(key: str) -> list[str]:
    """What an agent's name tells of it.

    >>> class_name("fludarabine"), class_name("fictumab")
    (['ablative', 'lymphodepleting'], ['novel'])
    """
    return [name for name, tells in _load_classes().items() if tells(key.lower())]


@cache
def _load_classes() -> dict[str, Callable[[str], bool]]:
    """For each class of names whether a name is of it; the number of a code tells of a new drug as well."""
    table = tomllib.loads((files(__package__) / "name_classes.toml").read_text("utf-8"))

    def make(name: str, row: Mapping[str, Sequence[str]]) -> Callable[[str], bool]:
        parts, ends, others = row["parts"], tuple(row.get("ends", ())), tuple(row.get("not", ()))

        def tells(key: str) -> bool:
            if any(part in f" {key} " for part in parts) or (name == "novel" and _has_long_number(key)):
                return True
            return key.endswith(ends) and not key.endswith(others)

        return tells

    return {name: make(name, row) for name, row in table.items()}


def _has_long_number(key: str) -> bool:
    return any(len(word) > 2 and word.isdigit() for word in lex(key).words)


def _class_arm(kind: str) -> str:
    return next((word for word in ("experimental", "active", "placebo", "sham") if word in kind), "other")


def view_titles(titles: Sequence[Tokens], lexicon: Lexicon) -> TitleUse:
    """What the titles say of the agents; without any, nothing is known.

    >>> from extractor.text.book import read_text
    >>> lexicon = Lexicon((name, Agent(name, "drug", "interventions[0]", 0, 3)) for name in ("fictumab", "cisplatin"))
    >>> view_titles([read_text("Fictumab in Combination With Cisplatin")], lexicon).standings["cisplatin"].value
    'beside'
    """
    standings: dict[str, Standing] = {}
    for title in titles:
        for key, standing in _list_standings(title, lexicon):
            if standings.get(key, Standing.TESTED) is Standing.TESTED:
                standings[key] = standing
    return TitleUse(standings, any(map(rule("title_scheme").search, titles)))


def _list_standings(title: Tokens, lexicon: Lexicon) -> Iterator[tuple[str, Standing]]:
    """How a title first names each agent: behind another one and a word such as "with", or behind "versus" alone."""
    mentions = lexicon.find_known(title)
    seen: set[str] = set()
    compares = bool(mentions and rule("title_compares").search(title, 0, title.before(mentions[0].start)))
    for mention in mentions:
        between = title.at(mentions[0].end), title.before(mention.start)
        beside = rule("title_beside").search(title, *between)
        against = rule("title_against").search(title, *between) or (beside and compares)
        if mention.value.key not in seen:
            yield mention.value.key, Standing.AGAINST if against else Standing.BESIDE if beside else Standing.TESTED
        seen.add(mention.value.key)
