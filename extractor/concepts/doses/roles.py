"""Decide why an agent is given, from its name, the words around it, and the arms that name it.

A log-linear model chooses the role, with the weights of
``concepts/doses/weights/agent_roles.toml``.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from extractor.concepts.doses.agents import Agent, AgentNames
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.sections import DosingSection
from extractor.evidence.scoring import load_scorer
from extractor.language.book import read_table, rule
from extractor.language.lexer import lex
from extractor.schemas import Role

_HINT_BEFORE = 150
_HINT_AFTER = 100
"""How many characters before and after a dose are near."""
_LEAST_SURE = 0.5
"""The least confidence. Every agent gets its likeliest role, however many compete with it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The facts that decide roles.

    ``arms`` lists the kinds of the arms. ``use`` and ``labels`` give, for each agent, the indexes
    of the arms that name it anywhere and in their label. ``agents`` lists the keys of the given
    agents, ``novel`` those whose names say so. ``types`` maps sections to registered types.
    """

    arms: Sequence[str]
    use: Mapping[str, frozenset[int]]
    labels: Mapping[str, frozenset[int]]
    agents: tuple[str, ...]
    types: Mapping[str, str]
    novel: frozenset[str]


def view_trial(
    sections: Sequence[DosingSection],
    lexicon: AgentNames,
    statements: Sequence[Statement],
) -> Trial:
    """Collect the facts of a trial that decide roles."""
    arms = [section for section in sections if section.is_arm]
    mentions = [
        (place, arm, mention)
        for place, arm in enumerate(arms)
        for mention in lexicon.find(arm)
    ]
    agents = tuple(dict.fromkeys(statement.agent.key for statement in statements))
    return Trial(
        arms=[_class_arm(arm.type) for arm in arms],
        use=_group((mention.value.key, place) for place, _, mention in mentions),
        labels=_group(
            (mention.value.key, place)
            for place, arm, mention in mentions
            if mention.end <= arm.title[1]
        ),
        agents=agents,
        types={section.name: section.type for section in sections},
        novel=frozenset(key for key in agents if "novel" in class_name(key)),
    )


def _group(pairs: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for key, place in pairs:
        found[key].add(place)
    return {key: frozenset(places) for key, places in found.items()}


def _class_arm(kind: str) -> str:
    return next(
        (
            word
            for word in ("experimental", "active", "placebo", "sham")
            if word in kind
        ),
        "other",
    )


def class_name(key: str) -> list[str]:
    """Return the classes that an agent's name indicates. A code with a number means a new drug.

    >>> class_name("fludarabine"), class_name("fictumab")
    (['ablative', 'lymphodepleting'], ['novel'])
    """
    found = []
    key = key.lower()
    for name, row in read_table("agent_classes").items():
        numbered = name == "novel" and any(
            len(word) > 2 and word.isdigit() for word in lex(key).words
        )
        ends = key.endswith(tuple(row.get("ends", ()))) and not key.endswith(
            tuple(row.get("not", ()))
        )
        if numbered or ends or any(part in f" {key} " for part in row["parts"]):
            found.append(name)
    return found


def read_role(statement: Statement, trial: Trial) -> tuple[Role, float]:
    """Return the role of an agent, and its probability."""
    scorer = load_scorer("agent_roles")
    scores = scorer.score([describe_role(statement, trial)])[0]
    best = int(scores.argmax())
    return Role(scorer.classes[best]), max(
        1 / float(np.exp(scores - scores[best]).sum()), _LEAST_SURE
    )


def describe_role(statement: Statement, trial: Trial) -> list[str]:
    """Return the features of the agent, its statement and the trial, by name."""
    agent = statement.agent
    tokens = statement.clause.tokens
    start, stop = tokens.span(statement.first, statement.end)
    around = lex(tokens.text[max(0, start - _HINT_BEFORE) : stop + _HINT_AFTER])
    names = class_name(agent.key)
    days = statement.days.value if statement.days else (0,)
    checks = {
        "prepares": "ablative" in names
        and min(days) < 0 >= max(days),  # given only before the graft or the cells
        "beside novel": bool(trial.novel - {agent.key}),
        "near premedication": rule("premedication").search(around) is not None,
        f"linked {statement.linked}": statement.linked < 1,
        "no dose": not statement.amounts,
    }
    return [
        *("always", f"kind {agent.kind}", f"type {trial.types.get(agent.section, '')}"),
        *(f"name {name}" for name in names),
        *_describe_use(agent, trial),
        *_describe_arm(statement, trial),
        *(name for name, holds in checks.items() if holds),
    ]


def _describe_use(agent: Agent, trial: Trial) -> Iterator[str]:
    """Return features of how the arms use an agent, compared with the others."""
    named = trial.use.get(agent.key, frozenset())
    kinds = {trial.arms[place] for place in named}
    all_kinds = set(trial.arms)
    fewer = any(use < named for use in trial.use.values())
    everywhere = len(trial.arms) > 1 and len(named) == len(trial.arms)
    placed = bool(named) or (
        bool(trial.use) and agent.section.startswith("interventions")
    )
    shown = "+".join(sorted(kinds)) or "no arm"
    checks = {
        f"arms {min(len(trial.arms), 3)}": True,
        f"agents {min(len(trial.agents), 4)}": True,
        f"in {shown}": placed and len(all_kinds) > 1,
        f"in {shown} of {'+'.join(sorted(all_kinds))}": placed,
        "in active arms alone": kinds == {"active"} and "experimental" in all_kinds,
        "in no experimental arm": bool(named) and "experimental" in all_kinds - kinds,
        "in every arm, others not": everywhere and fewer,
        "others in more arms": any(use > named for use in trial.use.values()),
        "first intervention": agent.section == "interventions[0]",
    }
    return (name for name, holds in checks.items() if holds)


def _describe_arm(statement: Statement, trial: Trial) -> Iterator[str]:
    """Yield features of the arm that states the dose, and of arms labelled after the agent."""
    compared = len(set(trial.arms)) > 1
    if statement.section.startswith("arms[") and compared:
        yield f"stated in {_class_arm(trial.types[statement.section])}"
    labelled = trial.labels.get(statement.agent.key)
    if labelled:
        yield from ["labels an arm"] * (len(labelled) < len(trial.arms))
        yield from (
            f"labels {kind}"
            for kind in {trial.arms[place] for place in labelled}
            if compared
        )
