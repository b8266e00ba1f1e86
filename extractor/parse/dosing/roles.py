"""Decide why an agent is given, from its name, the words around it, the arms that name it, and the titles.

A log-linear model chooses the role, with the weights of ``rulebook/weights/agent_roles.toml``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from extractor.parse.scoring import load_scorer
from extractor.schemas import Role
from extractor.text.book import read_table, rule
from extractor.text.lexer import Tokens, lex

from .agents import Agent, AgentNames
from .sections import DosingSection
from .statements import Statement

_SIGNS = ("cell therapy", "graft", "vaccine", "allergen", "asthma")
"""Topics of trials; the rule ``trial_cell_therapy`` finds the first."""
_NEAR = (
    *("premedication", "rescue", "background", "conditioning", "prophylaxis"),
    *("combination", "placebo", "comparator", "standard", "challenge"),
)
"""Hints near the dose; the rule ``near_premedication`` finds the first."""
_BEFORE, _AFTER = 150, 100
"""How many characters before and after a dose are near."""
_SCHEME = frozenset({"standard", "steroid", "lymphodepleting"})
"""Classes of names that can be parts of a chemotherapy scheme."""
_LEAST_SURE = 0.5
"""The least confidence. Every agent gets its likeliest role, however many compete with it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The facts that decide roles.

    ``arms`` lists the kinds of the arms. ``use`` and ``labels`` give, for each agent, the indexes of the arms that
    name it anywhere and in their label. ``agents`` lists the keys of the given agents; ``novel`` and ``standard``
    those whose names say so. ``types`` maps sections to registered types; ``signs`` lists the trial's topics.
    ``titles`` says how titles name an agent: "tested", "beside" another, "against" it; ``schemes`` whether they
    mention chemotherapy.
    """

    arms: Sequence[str]
    use: Mapping[str, frozenset[int]]
    labels: Mapping[str, frozenset[int]]
    agents: tuple[str, ...]
    types: Mapping[str, str]
    signs: tuple[str, ...]
    novel: frozenset[str]
    standard: frozenset[str]
    titles: Mapping[str, str]
    schemes: bool

    @property
    def is_compared(self) -> bool:
        """Whether an arm gets a comparator."""
        return not {"active", "placebo", "sham"}.isdisjoint(self.arms)

    def tests_beside(self, agent: Agent) -> bool:
        """Whether the trial tests another agent, by the titles, else by the names of both."""
        novel = self.novel - {agent.key}
        if self.titles:
            return self.titles.get(agent.key) != "tested" and not novel.isdisjoint(self.titles)
        return bool(novel) and not self.schemes


def view_trial(
    sections: Sequence[DosingSection],
    lexicon: AgentNames,
    statements: Sequence[Statement],
    titles: Sequence[Tokens] = (),
) -> Trial:
    """Collect the facts of a trial that decide roles; ``titles`` are its titles, if known."""
    arms = [section for section in sections if section.is_arm]
    mentions = [(place, arm, mention) for place, arm in enumerate(arms) for mention in lexicon.find(arm)]
    rules = {sign: rule(f"trial_{sign.replace(' ', '_')}") for sign in _SIGNS}
    agents = tuple(dict.fromkeys(statement.agent.key for statement in statements))
    return Trial(
        arms=[_class_arm(arm.type) for arm in arms],
        use=_group((mention.value.key, place) for place, _, mention in mentions),
        labels=_group((mention.value.key, place) for place, arm, mention in mentions if mention.end <= arm.title[1]),
        agents=agents,
        types={section.name: section.type for section in sections},
        signs=tuple(sign for sign, found in rules.items() if any(found.search(one.tokens) for one in sections)),
        novel=frozenset(key for key in agents if "novel" in class_name(key)),
        standard=frozenset(key for key in agents if "standard" in class_name(key)),
        titles=view_titles(titles, lexicon),
        schemes=any(map(rule("title_scheme").search, titles)),
    )


def _group(pairs: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for key, place in pairs:
        found[key].add(place)
    return {key: frozenset(places) for key, places in found.items()}


def _class_arm(kind: str) -> str:
    return next((word for word in ("experimental", "active", "placebo", "sham") if word in kind), "other")


def class_name(key: str) -> list[str]:
    """The classes that an agent's name indicates. A code with a number means a new drug.

    >>> class_name("fludarabine"), class_name("fictumab")
    (['ablative', 'lymphodepleting'], ['novel'])
    """
    found, key = [], key.lower()
    for name, row in read_table("agent_classes").items():
        numbered = name == "novel" and any(len(word) > 2 and word.isdigit() for word in lex(key).words)
        ends = key.endswith(tuple(row.get("ends", ()))) and not key.endswith(tuple(row.get("not", ())))
        if numbered or ends or any(part in f" {key} " for part in row["parts"]):
            found.append(name)
    return found


def view_titles(titles: Sequence[Tokens], lexicon: AgentNames) -> dict[str, str]:
    """How titles first name each agent: "beside" another one, after a word such as "with", or "against" it."""
    found: dict[str, str] = {}
    for title in titles:
        mentions, seen = lexicon.find_known(title), set[str]()
        compares = bool(mentions and rule("title_compares").search(title, 0, mentions[0].first))
        for mention in mentions:
            between = mentions[0].end, mention.first
            beside = rule("title_beside").search(title, *between)
            against = rule("title_against").search(title, *between) or (beside and compares)
            key = mention.value.key
            if key not in seen and found.get(key, "tested") == "tested":
                found[key] = "against" if against else "beside" if beside else "tested"
            seen.add(key)
    return found


def read_role(statement: Statement, trial: Trial) -> tuple[Role, float]:
    """The role of an agent, and its probability."""
    scorer = load_scorer("agent_roles")
    scores = scorer.score([describe_role(statement, trial)])[0]
    best = int(scores.argmax())
    return Role(scorer.classes[best]), max(1 / float(np.exp(scores - scores[best]).sum()), _LEAST_SURE)


def describe_role(statement: Statement, trial: Trial) -> list[str]:
    """The features of the agent, its statement and the trial, by name."""
    agent, tokens = statement.agent, statement.clause.tokens
    start, stop = tokens.span(statement.first, statement.end)
    around = lex(tokens.text[max(0, start - _BEFORE) : stop + _AFTER])
    near = [name for name in _NEAR if rule(f"near_{name}").search(around)]
    names = class_name(agent.key)
    days = statement.days.value if statement.days else ()
    beside = trial.tests_beside(agent)
    # Given only before day 0, like conditioning for a graft, and no immunosuppressant.
    early = bool(days) and min(days) < 0 and max(days) <= 0 and "suppressant" not in names
    prepares = early and ("ablative" in names or "graft" in trial.signs)
    # A part of chemotherapy that all participants get, with no other agent under test.
    scheme = len(trial.standard) > 2 and not trial.is_compared and not _SCHEME.isdisjoint(names) and not beside
    before = bool(days) and min(days) < 0
    checks = {
        "beside novel": beside,
        "standard alone beside novel": beside and "standard" in names and "novel" not in names,
        "before day 0": before,
        "prepares": prepares,
        "part of scheme": scheme,
        "own section": agent.section == statement.section,
        f"linked {statement.linked}": statement.linked < 1,
        "no dose": not statement.amounts,
    }
    return [
        *("always", f"kind {agent.kind}", f"type {trial.types.get(agent.section, '')}"),
        *(f"name {name}" for name in names),
        *(f"near {name}" for name in near),
        *(f"trial {name}" for name in trial.signs),
        *(f"{name} for {sign}" for name in names for sign in trial.signs if sign in {"cell therapy", "graft"}),
        *(f"{name} beside novel" for name in names if beside),
        *(f"before day 0 for {sign}" for sign in trial.signs if before),
        *_describe_use(agent, trial),
        *_describe_arm(statement, trial),
        *_describe_titles(agent.key, trial, standard="standard" in names or "ablative" in names),
        f"expected {_expect(agent, names, near, trial, prepares=prepares)}",
        *(name for name, holds in checks.items() if holds),
    ]


def _expect(agent: Agent, names: Collection[str], near: Collection[str], trial: Trial, *, prepares: bool) -> Role:
    """The role of an agent in the usual designs of trials."""
    depletes = "lymphodepleting" in names and "cell therapy" in trial.signs
    if agent.kind == "placebo":
        return Role.PLACEBO
    if agent.kind in {"drug", "radiation"} and (prepares or depletes):
        return Role.CONDITIONING
    if "premedication" in near:
        return Role.PREMEDICATION
    if "procedure" in (agent.kind, trial.types.get(agent.section)):
        return Role.PROCEDURE
    return Role.RESCUE if "rescue" in near else _compare_agents(agent, names, trial)


def _compare_agents(agent: Agent, names: Collection[str], trial: Trial) -> Role:
    if "standard" in names and trial.tests_beside(agent):
        return Role.BACKGROUND
    named = trial.use.get(agent.key, frozenset())
    if {trial.arms[place] for place in named} == {"active"} and "experimental" in trial.arms:
        return Role.COMPARATOR
    everywhere = len(trial.arms) > 1 and len(named) == len(trial.arms) and set(trial.arms) != {"experimental"}
    others = any(use < named for key, use in trial.use.items() if key != agent.key)
    return Role.BACKGROUND if everywhere and others else Role.INVESTIGATIONAL


def _describe_use(agent: Agent, trial: Trial) -> Iterator[str]:
    """Features of how the arms use an agent, compared with the others."""
    named = trial.use.get(agent.key, frozenset())
    kinds, all_kinds = {trial.arms[place] for place in named}, set(trial.arms)
    fewer = any(use < named for use in trial.use.values())
    everywhere = len(trial.arms) > 1 and len(named) == len(trial.arms)
    placed = bool(named) or (bool(trial.use) and agent.section.startswith("interventions"))
    shown = "+".join(sorted(kinds)) or "no arm"
    checks = {
        f"arms {min(len(trial.arms), 3)}": True,
        f"agents {min(len(trial.agents), 4)}": True,
        f"in {shown}": placed and len(all_kinds) > 1,
        f"in {shown} of {'+'.join(sorted(all_kinds))}": placed,
        "in active arms alone": kinds == {"active"} and "experimental" in all_kinds,
        "in no experimental arm": bool(named) and "experimental" in all_kinds - kinds,
        "in every arm": everywhere,
        "in every arm, others not": everywhere and fewer,
        "in every arm as all": everywhere and not fewer,
        "in every arm, others not, arms compared": everywhere and fewer and all_kinds != {"experimental"},
        "others in more arms": any(use > named for use in trial.use.values()),
        "others in fewer arms": fewer,
        "first agent": trial.agents[:1] == (agent.key,),
        "first intervention": agent.section == "interventions[0]",
        "no intervention": not agent.section.startswith("interventions"),
    }
    return (name for name, holds in checks.items() if holds)


def _describe_arm(statement: Statement, trial: Trial) -> Iterator[str]:
    """Features of the arm that states the dose, and of arms labelled after the agent."""
    compared = len(set(trial.arms)) > 1
    if statement.section.startswith("arms[") and compared:
        yield f"stated in {_class_arm(trial.types[statement.section])}"
    labelled = trial.labels.get(statement.agent.key, frozenset())
    if labelled:
        yield "labels every arm" if len(labelled) == len(trial.arms) else "labels an arm"
        yield from (f"labels {kind}" for kind in {trial.arms[place] for place in labelled} if compared)
    elif trial.labels:
        yield "labels no arm"


def _describe_titles(key: str, trial: Trial, *, standard: bool) -> Iterator[str]:
    """Features of the titles; ``standard``: the agent is a usual part of chemotherapy."""
    if key in trial.titles:
        yield f"title {trial.titles[key]}"
    elif "tested" in trial.titles.values():
        yield "title omits it"
    elif standard and trial.schemes:
        yield "title about scheme"
