"""Decide why an agent is given, from its name, the words around it, and the arms that name it.

A log-linear model chooses the role, with the weights of
``concepts/doses/weights/agent_roles.toml``.
"""

from collections.abc import Iterator, Sequence, Set

import numpy as np

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.trial_view import Trial, class_arm, class_name
from extractor.evidence.scoring import load_scorer, measured
from extractor.language.book import rule
from extractor.language.lexer import Tokens, lex
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
_IN_BOTH_WAYS = "alone and beside others"
"""What says that an agent is given alone in one arm, and beside others in another."""
_LEAST_SURE = 0.5
"""The least confidence. Every agent gets its likeliest role, however many compete with it."""


def read_role(statement: Statement, trial: Trial) -> tuple[Role, float]:
    """Return the role of an agent, and its probability: that of a placebo by its kind, the others
    by a log-linear model.
    """
    if statement.agent.kind == "placebo":
        return Role.PLACEBO, measured("role", "placebo")
    scorer = load_scorer("agent_roles")
    scores = scorer.score([describe_role(statement, trial)])[0]
    best = int(scores.argmax())
    # the softmax of the best score
    probability = 1 / float(np.exp(scores - scores[best]).sum())
    return Role(scorer.classes[best]), max(probability, _LEAST_SURE)


def describe_role(statement: Statement, trial: Trial) -> list[str]:
    """Return the features of the agent, its statement and the trial, by name."""
    agent = statement.agent
    names = class_name(agent.key)
    registered_type = trial.types.get(agent.section, "")
    features = ["always", f"kind {agent.kind}", f"type {registered_type}"]
    features += [f"name {name}" for name in names]
    features += _describe_themes(agent, trial, names)
    features += _describe_use(agent, trial)
    features += _describe_arm(statement, trial)
    features += _describe_title(agent, trial)
    features += _describe_company(agent, trial)
    features += _describe_words(statement)
    days = statement.days.value if statement.days else (0,)
    # given only before the graft or the cells, on day 0 at the latest
    is_before_graft = min(days) < 0 and max(days) <= 0
    if "ablative" in names and is_before_graft:
        features.append("prepares")
    if trial.novel - {agent.key}:
        features.append("beside novel")
    if rule("premedication").search(_read_around(statement)):
        features.append("near_premedication_word")
    if statement.linked < 1:
        features.append(f"linked {statement.linked}")
    if not statement.amounts:
        features.append("no dose")
    return features


def _describe_use(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield features of how the arms use an agent, compared with the others: how many arms and
    agents there are, which kinds of arms get it, and whether it is the first intervention.
    """
    named = trial.use.get(agent.key, frozenset())
    kinds = {trial.arms[place] for place in named}
    all_kinds = set(trial.arms)
    is_intervention = agent.section.startswith("interventions")
    shown = "+".join(sorted(kinds)) or "no arm"
    all_shown = "+".join(sorted(all_kinds))
    yield f"arms {min(len(trial.arms), 3)}"
    yield f"agents {min(len(trial.agents), 4)}"
    if named or (trial.use and is_intervention):
        if len(all_kinds) > 1:
            yield f"in {shown}"
        yield f"in {shown} of {all_shown}"
    if "experimental" in all_kinds:
        if kinds == {"active"}:
            yield "in active arms alone"
        if named and "experimental" not in kinds:
            yield "in no experimental arm"
    yield from _compare_use(named, trial)
    if agent.section == "interventions[0]":
        yield "first intervention"


def _compare_use(named: frozenset[int], trial: Trial) -> Iterator[str]:
    """Yield features of the arms ``named`` that get an agent, by number, beside those that get
    other agents.
    """
    uses = trial.use.values()
    arms = len(trial.arms)
    is_everywhere = arms > 1 and len(named) == arms
    # "<" compares sets: another agent is given in some of these arms only
    if is_everywhere and any(use < named for use in uses):
        yield "in every arm, others not"
    if any(use > named for use in uses):
        yield "others in more arms"


def _describe_arm(statement: Statement, trial: Trial) -> Iterator[str]:
    """Yield features of the arm that states the dose, and of arms labelled after the agent."""
    is_compared = len(set(trial.arms)) > 1
    if is_compared and statement.section.startswith("arms["):
        yield f"stated in {class_arm(trial.types[statement.section])}"
    labelled = trial.labels.get(statement.agent.key)
    if not labelled:
        return
    if len(labelled) < len(trial.arms):
        yield "labels an arm"
    if is_compared:
        for kind in {trial.arms[place] for place in labelled}:
            yield f"labels {kind}"


def _describe_title(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield features of how the titles name an agent, or that they name others alone, each beside
    whether one arm, every arm, some arms or no arm gets the agent (``cover``).
    """
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
        for name in names:
            yield f"{theme}, name {name}"
        for name in names:
            yield f"{theme}, name {name}, {cover}"


def _describe_company(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield features of the arms that get an agent: alone, and with or without which others.
    Nothing is yielded for a single arm, or for an agent that no arm gets.
    """
    # sets, as many arms may get the same
    own: set[frozenset[str]] = set()
    others: set[frozenset[str]] = set()
    for keys in trial.gets:
        if agent.key in keys:
            own.add(keys)
        elif keys:
            others.add(keys)
    if not own or len(trial.gets) < 2:
        return
    shape = _name_shape(own)
    cover = trial.name_cover(agent.key)
    title = "in title" if agent.key in trial.titles else "not in title"
    yield f"given {shape}, {cover}"
    yield f"given {shape}, {cover}, {title}"
    if shape == _IN_BOTH_WAYS:
        yield "others are added to it"
    # what an arm without the agent gets is what the agent is added to
    base = frozenset.intersection(*own) - {agent.key}
    if any(keys <= base for keys in others):
        yield "added to what other arms get"


def _name_shape(own: Set[frozenset[str]]) -> str:
    """Return whether an agent is given alone, beside others, or in both ways. ``own`` are the
    agents of each arm that gets it.
    """
    sizes = [len(keys) for keys in own]
    if max(sizes) == 1:
        return "alone"
    return _IN_BOTH_WAYS if min(sizes) == 1 else "beside others"


def _describe_words(statement: Statement) -> Iterator[str]:
    """Yield features of the words near the agent and its dose."""
    around = _read_around(statement)
    for name in _NEAR:
        if rule(name).search(around):
            yield name
    if statement.frequency is not None:
        yield f"frequency {statement.frequency.value}"
    if statement.route is not None:
        yield f"route {statement.route.value}"
    if statement.step:
        yield "step"


def _read_around(statement: Statement) -> Tokens:
    """Return the words near the agent and its dose."""
    tokens = statement.clause.tokens
    start, stop = tokens.span(statement.first, statement.end)
    return lex(tokens.text[max(0, start - _HINT_BEFORE) : stop + _HINT_AFTER])
