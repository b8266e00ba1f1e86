"""Roles: why an agent is given, by a scorer over what the record says of it.

``weights/dose_roles.toml`` has a weight for each fact and role; ``python -m
benchmarks.training.dose_pairs`` fits it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from extractor.concepts.regimens.agents import Agent, Agents
from extractor.concepts.regimens.arms import Arms
from extractor.concepts.regimens.marks import within
from extractor.concepts.regimens.merging import Regimen
from extractor.concepts.regimens.sections import DoseText
from extractor.evidence.scoring import load_scorer
from extractor.language.book import read_table, rule
from extractor.schemas import Role

_NEAR = (
    "background",
    "rescue",
    "premedication",
    "conditioning",
    "comparator",
    "examination",
)
_JOINTS = ("versus", "optional", "added", "combined", "choice")
_SURE_OTHER = 0.7
_REACH = 12
"""How many tokens around a mention say why the agent is given."""


class Trial:
    """What a record says of its agents as a whole."""

    def __init__(
        self,
        title: DoseText | None,
        texts: Sequence[DoseText],
        agents: Agents,
        arms: Arms,
        regimens: Sequence[Regimen],
    ) -> None:
        self.title = title
        self.texts = texts
        self.agents = agents
        self.arms = arms
        self.given = {regimen.agent.key: regimen.agent for regimen in regimens}

    @cached_property
    def titled(self) -> Sequence[tuple[str, int, int]]:
        """The mentions of agents in the title: key and tokens."""
        if self.title is None:
            return []
        return [
            (one.agent.key, one.first, one.end) for one in self.agents.find(self.title)
        ]

    @cached_property
    def uses(self) -> Mapping[str, frozenset[str]]:
        """The arms that get each agent."""
        uses: dict[str, frozenset[str]] = {}
        for key, agent in self.given.items():
            found = self.arms.list_linked(agent) | self.arms.list_naming(agent)
            uses[key] = frozenset(found)
        return uses

    @cached_property
    def arm_types(self) -> Mapping[str, str]:
        return {text.name: _shorten(text.type) for text in self.arms.texts}


def read_role(regimen: Regimen, trial: Trial) -> tuple[Role, float, tuple[Role, ...]]:
    """Return the likeliest role of a regimen's agent, its probability, and its rivals."""
    signs = list(describe_role(regimen, trial))
    [choice] = load_scorer("dose_roles").choose([signs])
    role = Role(choice.value)
    rivals = tuple(map(Role, choice.rivals))
    # labels have too few others to tell them from what is unknown
    if role is Role.OTHER and choice.confidence < _SURE_OTHER and rivals:
        return rivals[0], round(1 - choice.confidence, 2), (role, *rivals[1:])
    return role, choice.confidence, rivals


def describe_role(regimen: Regimen, trial: Trial) -> Iterator[str]:
    """Yield what speaks for the roles of a regimen's agent."""
    agent = regimen.agent
    yield "always"
    yield f"kind {agent.kind}"
    for name in list_classes(agent.name):
        yield f"class {name}"
        yield f"class {name}, registered {agent.is_registered}"
    yield f"registered {agent.is_registered}"
    for text in trial.texts:
        if text.name in agent.sections:
            yield f"type {text.type}"
    if trial.agents.registered and trial.agents.registered[0] is agent:
        yield "first intervention"
    yield f"agents {min(len(trial.given), 4)}"
    yield f"arms {min(len(trial.arms.places), 4)}"
    yield from _describe_arms(agent, trial)
    yield from _describe_title(agent, trial)
    yield from _describe_words(regimen)
    frequency = regimen.frequency()
    if frequency:
        yield f"frequency {frequency[0]}"
    if not regimen.amounts():
        yield "no amount"
    yield f"stated in {regimen.main.text.name.partition('[')[0]}"
    for other in trial.given.values():
        if other is not agent:
            for name in list_classes(other.name):
                yield f"beside {name}"


def _describe_arms(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield in which arms an agent is, and with what."""
    uses = trial.uses.get(agent.key, frozenset())
    every = frozenset(trial.arms.places)
    extent = "all arms" if uses == every else "some arms" if uses else "no arm"
    yield extent
    all_types = "+".join(sorted(set(trial.arm_types.values())))
    own_types = "+".join(sorted({trial.arm_types[arm] for arm in uses}))
    yield f"in {own_types}"
    yield f"in {own_types} of {all_types}"
    others = [
        arms
        for key, arms in trial.uses.items()
        if key != agent.key and not trial.given[key].is_placebo
    ]
    is_alone = any(all(arm not in arms for arms in others) for arm in uses)
    is_beside = any(any(arm in arms for arms in others) for arm in uses)
    yield f"{extent}, alone {is_alone}, beside {is_beside}"
    if len(every) == 1:
        yield f"single arm, agents {min(len(trial.given), 3)}"
    for arms in others:
        if arms and arms < uses:
            yield "what others are added to"
        if uses and uses < arms:
            yield "added to what other arms get"
    in_title = any(key == agent.key for key, _, _ in trial.titled)
    yield f"{extent}, in title {in_title}"
    yield f"in {own_types}, in title {in_title}, {extent}"
    for text in trial.arms.texts:
        first, end = text.title
        if text.name in uses and rule("control_label").search(text.tokens, first, end):
            yield "control label"


def _describe_title(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield where the title names an agent."""
    places = [(first, end) for key, first, end in trial.titled if key == agent.key]
    titled = {key for key, _, _ in trial.titled}
    yield f"in title {bool(places)}, titled {min(len(titled), 3)}"
    if trial.title is None or not places:
        return
    tokens = trial.title.tokens
    first, end = places[0]
    for name in _JOINTS:
        if rule(f"title_{name}").search(tokens, 0, first):
            yield f"title {name} before"
        if rule(f"title_{name}").search(tokens, end):
            yield f"title {name} behind"
    if trial.titled[0][0] == agent.key:
        yield "first in title"


def _describe_words(regimen: Regimen) -> Iterator[str]:
    """Yield words near an agent that say why it is given."""
    found: set[str] = set()
    for statement in regimen.statements:
        tokens = statement.text.tokens
        first, end = statement.clause
        mention = statement.owner.mention
        if mention and statement.owner.how == "named":
            first = max(first, mention.first - _REACH)
            end = min(end, mention.end + _REACH)
        for name in _NEAR:
            if rule(f"near_{name}").search(tokens, first, end):
                found.add(name)
        days = [one for one in within(statement.text.marks, first, end) if one.field == "days"]
        if any(day < 0 for one in days for day in one.value):
            found.add("days before")
    for name in sorted(found):
        yield f"near {name}"


@cache
def _classes() -> Mapping[str, Mapping[str, Any]]:
    return read_table("agent_classes")


@cache
def list_classes(name: str) -> tuple[str, ...]:
    """Return the classes that a name belongs to by its parts and its end.

    >>> list_classes("cisplatin")
    ('standard',)
    """
    padded = f" {name.lower().replace('-', ' ')} "
    classes: list[str] = []
    for kind, table in _classes().items():
        has_part = any(part in padded for part in table.get("parts", ()))
        ends = tuple(f"{end} " for end in table.get("ends", ()))
        has_end = bool(ends) and padded.endswith(ends)
        is_barred = any(word in padded for word in table.get("not", ()))
        if (has_part or has_end) and not is_barred:
            classes.append(kind)
    return tuple(classes)


def _shorten(arm_type: str) -> str:
    """Return the type of an arm in one word: "active_comparator" is "active"."""
    return arm_type.partition("_")[0] or "none"
