"""Why an agent is given, decided from its name, the words around it and the arms that name it.

A log-linear model chooses among the roles: ``rulebook/weights/agent_roles.toml`` says how much each feature counts.
"""

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np

from extractor.parse.scoring import load_scorer
from extractor.schemas import Role
from extractor.text.book import rule
from extractor.text.lexer import Tokens, lex

from .agents import Agent, Lexicon
from .facts import Statement
from .passages import Passage

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


_NEAR = (
    "premedication",
    "rescue",
    "background",
    "conditioning",
    "prophylaxis",
    "combination",
    "placebo",
    "comparator",
    "standard",
    "challenge",
)
"""Rules of words near the dose, as the features name them."""
_BEHIND, _AHEAD = 150, 100
_SCHEME = frozenset({"standard", "steroid", "lymphodepleting"})
"""What the parts of chemotherapy are, by their names."""


_LEAST_SURE = 0.5
"""Every agent has a role: the likeliest one is given, however many compete with it."""


def read_role(statement: Statement, text: str, trial: Trial) -> tuple[Role, float]:
    """The role and the probability that it is right; ``text`` is that of the statement's section."""
    scorer = load_scorer("agent_roles")
    scores = scorer.score([describe_role(statement, text, trial)])[0]
    best = int(scores.argmax())
    return Role(scorer.classes[best]), max(1 / float(np.exp(scores - scores[best]).sum()), _LEAST_SURE)


def describe_role(statement: Statement, text: str, trial: Trial) -> list[str]:
    """What is true of the agent, of its statement, and of the trial, by name."""
    agent = statement.agent
    near = lex(text[max(0, statement.start - _BEHIND) : statement.end + _AHEAD])
    signs = {name for name in _NEAR if rule(f"near_{name}").search(near)}
    names = class_name(agent.key)
    days = statement.days.value if statement.days else ()
    features = ["always", f"kind {agent.kind}", f"type {trial.kinds.get(agent.section, '')}"]
    features += [f"name {name}" for name in names]
    features += [f"near {name}" for name in _NEAR if name in signs]
    features += [f"trial {name}" for name in trial.signs]
    features += [f"{name} for {sign}" for name in names for sign in trial.signs if sign in {"cell therapy", "graft"}]
    features += _describe_use(agent, trial)
    features += _describe_arm(statement, trial)
    features += _describe_titles(agent.key, trial.titles, standard="standard" in names or "ablative" in names)
    features.append(f"expected {_expect(agent, names, days, signs, trial)}")
    if trial.tests_beside(agent):
        features += ["beside novel", *(f"{name} beside novel" for name in names)]
        if "standard" in names and "novel" not in names:
            features.append("standard alone beside novel")
    if days and min(days) < 0:
        features += ["before day 0", *(f"before day 0 for {sign}" for sign in trial.signs)]
    if _prepares(names, days, trial):
        features.append("prepares")
    if _belongs_to_scheme(agent, names, trial):
        features.append("part of scheme")
    if agent.section == statement.section:
        features.append("own section")
    if statement.linked < 1:
        features.append(f"linked {statement.linked}")
    if not statement.amounts:
        features.append("no dose")
    return features


def _expect(agent: Agent, names: Sequence[str], days: Sequence[int], near: Collection[str], trial: Trial) -> Role:
    """The role that the usual designs of trials give an agent."""
    preparing = _prepares(names, days, trial)
    if agent.kind == "placebo":
        return Role.PLACEBO
    if agent.kind in {"drug", "radiation"} and (
        preparing or ("lymphodepleting" in names and "cell therapy" in trial.signs)
    ):
        return Role.CONDITIONING
    if "premedication" in near:
        return Role.PREMEDICATION
    if agent.kind == "procedure" or trial.kinds.get(agent.section) == "procedure":
        return Role.PROCEDURE
    return Role.RESCUE if "rescue" in near else _compare_agents(agent, names, trial)


def _prepares(names: Sequence[str], days: Sequence[int], trial: Trial) -> bool:
    """Whether an agent is given before day 0 alone, as what prepares for a graft is; not to suppress the graft."""
    early = bool(days) and min(days) < 0 and max(days) <= 0
    return early and "suppressant" not in names and ("ablative" in names or "graft" in trial.signs)


def _belongs_to_scheme(agent: Agent, names: Sequence[str], trial: Trial) -> bool:
    """Whether an agent is a part of chemotherapy that all get and beside which nothing else is tested."""
    usual = len(trial.standard) > 2 and not trial.is_compared
    return usual and not _SCHEME.isdisjoint(names) and not trial.tests_beside(agent)


def _compare_agents(agent: Agent, names: Sequence[str], trial: Trial) -> Role:
    if "standard" in names and trial.tests_beside(agent):
        return Role.BACKGROUND
    named = trial.use.get(agent.key, frozenset())
    kinds = {trial.arms[place] for place in named}
    if kinds == {"active"} and "experimental" in trial.arms:
        return Role.COMPARATOR
    everywhere = len(trial.arms) > 1 and len(named) == len(trial.arms) and set(trial.arms) != {"experimental"}
    if everywhere and any(use < named for key, use in trial.use.items() if key != agent.key):
        return Role.BACKGROUND
    return Role.INVESTIGATIONAL


def _describe_use(agent: Agent, trial: Trial) -> Iterator[str]:
    """How the arms use an agent, and what other agents there are."""
    named = trial.use.get(agent.key, frozenset())
    kinds = {trial.arms[place] for place in named}
    yield f"arms {min(len(trial.arms), 3)}"
    yield f"agents {min(len(trial.agents), 4)}"
    if named or (trial.use and agent.section.startswith("interventions")):
        if len(set(trial.arms)) > 1:
            yield f"in {'+'.join(sorted(kinds)) or 'no arm'}"
        yield f"in {'+'.join(sorted(kinds)) or 'no arm'} of {'+'.join(sorted(set(trial.arms)))}"
    if named and kinds == {"active"} and "experimental" in trial.arms:
        yield "in active arms alone"
    if named and "experimental" not in kinds and "experimental" in trial.arms:
        yield "in no experimental arm"
    if len(trial.arms) > 1 and len(named) == len(trial.arms):
        yield "in every arm"
        others = any(use < named for use in trial.use.values())
        yield "in every arm, others not" if others else "in every arm as all"
        if others and set(trial.arms) != {"experimental"}:
            yield "in every arm, others not, arms compared"
    yield from _describe_place(agent, trial)


def _describe_arm(statement: Statement, trial: Trial) -> Iterator[str]:
    """What kind of arm tells of the agent, and whether arms are labelled after it."""
    key = statement.agent.key
    compared = len(set(trial.arms)) > 1
    if (kind := trial.kinds_of_arms.get(statement.section)) and compared:
        yield f"told in {kind}"
    labelled = trial.labels.get(key, frozenset())
    if labelled:
        yield "labels every arm" if len(labelled) == len(trial.arms) else "labels an arm"
        yield from (f"labels {kind}" for kind in {trial.arms[place] for place in labelled} if compared)
    elif trial.labels:
        yield "labels no arm"


def _describe_place(agent: Agent, trial: Trial) -> Iterator[str]:
    """How an agent stands among the others."""
    named = trial.use.get(agent.key, frozenset())
    if any(use > named for use in trial.use.values()):
        yield "others in more arms"
    if any(use < named for use in trial.use.values()):
        yield "others in fewer arms"
    if trial.agents and trial.agents[0] == agent.key:
        yield "first agent"
    if agent.section == "interventions[0]":
        yield "first intervention"
    if not agent.section.startswith("interventions"):
        yield "no intervention"


def _describe_titles(key: str, use: TitleUse, *, standard: bool) -> Iterator[str]:
    """What the titles say of an agent; ``standard`` holds for the usual parts of chemotherapy."""
    if standing := use.standings.get(key):
        yield f"title {standing}"
    elif Standing.TESTED in use.standings.values():
        yield "title omits it"
    elif standard and use.schemes:
        yield "title about scheme"
