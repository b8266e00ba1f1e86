"""Decide why an agent is given, from its name, the words around it, and the arms that name it.

A log-linear model chooses the role, with the weights of
``concepts/doses/weights/agent_roles.toml``.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.trial_view import Trial, class_arm, class_name
from extractor.evidence.scoring import load_scorer, measured
from extractor.language.book import rule
from extractor.language.lexer import lex
from extractor.schemas import Role

_HINT_BEFORE = 150
_HINT_AFTER = 100
"""How many characters before and after a dose are near."""
_NEAR = (
    "near_background",
    "near_rescue",
    "near_premedication",
    "near_conditioning",
    "near_comparator",
    "near_examination",
)
"""Rules for words near an agent that say why it is given."""
_LEAST_SURE = 0.5
"""The least confidence. Every agent gets its likeliest role, however many compete with it."""


def read_role(statement: Statement, trial: Trial) -> tuple[Role, float]:
    """Return the role of an agent, and its probability."""
    if statement.agent.kind == "placebo":
        return Role.PLACEBO, measured("role", "placebo")
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
        "near_premedication_word": rule("premedication").search(around) is not None,
        f"linked {statement.linked}": statement.linked < 1,
        "no dose": not statement.amounts,
    }
    return [
        *("always", f"kind {agent.kind}", f"type {trial.types.get(agent.section, '')}"),
        *(f"name {name}" for name in names),
        *_describe_themes(agent, trial, names),
        *_describe_use(agent, trial),
        *_describe_arm(statement, trial),
        *_describe_title(agent, trial),
        *_describe_company(agent, trial),
        *_describe_words(statement),
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
        yield f"stated in {class_arm(trial.types[statement.section])}"
    labelled = trial.labels.get(statement.agent.key)
    if labelled:
        yield from ["labels an arm"] * (len(labelled) < len(trial.arms))
        yield from (
            f"labels {kind}"
            for kind in {trial.arms[place] for place in labelled}
            if compared
        )


def _describe_title(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield features of how the titles name an agent, or that they name others alone."""
    cover = trial.name_cover(agent.key)
    if not trial.titles:
        yield f"title without agents, {cover}"
        return
    said = trial.titles.get(agent.key)
    if said is None:
        yield f"not in title, {cover}"
        yield f"not in title, {agent.kind}"
        return
    yield f"in title, {cover}"
    yield f"in title, {agent.kind}"
    yield from (f"title {word}" for word in said)
    yield from (f"title {word}, {cover}" for word in said)


def _describe_themes(agent: Agent, trial: Trial, names: Sequence[str]) -> Iterator[str]:
    """Yield features of the kinds of treatment that the titles name, such as chemotherapy."""
    cover = trial.name_cover(agent.key)
    for theme in trial.themes:
        yield from (f"{theme}, name {name}" for name in names)
        yield from (f"{theme}, name {name}, {cover}" for name in names)


def _describe_company(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield features of the arms that get an agent: alone, and with or without which others."""
    # sets, as many arms may get the same
    own = {keys for keys in trial.gets if agent.key in keys}
    rest = {keys for keys in trial.gets if agent.key not in keys}
    if not own or len(trial.gets) < 2:
        return
    alone = any(len(keys) == 1 for keys in own)
    beside = any(len(keys) > 1 for keys in own)
    shape = " and ".join(["alone"] * alone + ["beside others"] * beside)
    cover = trial.name_cover(agent.key)
    yield f"given {shape}, {cover}"
    title = "in title" if agent.key in trial.titles else "not in title"
    yield f"given {shape}, {cover}, {title}"
    if alone and beside:
        yield "others are added to it"
    # what an arm without the agent gets is what the agent is added to
    base = frozenset.intersection(*own) - {agent.key}
    if any(keys and keys <= base for keys in rest):
        yield "added to what other arms get"


def _describe_words(statement: Statement) -> Iterator[str]:
    """Yield features of the words near the agent and its dose."""
    tokens = statement.clause.tokens
    start, stop = tokens.span(statement.first, statement.end)
    around = lex(tokens.text[max(0, start - _HINT_BEFORE) : stop + _HINT_AFTER])
    yield from (name for name in _NEAR if rule(name).search(around))
    if statement.frequency is not None:
        yield f"frequency {statement.frequency.value}"
    if statement.route is not None:
        yield f"route {statement.route.value}"
    if statement.step:
        yield "step"
