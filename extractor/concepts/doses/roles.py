"""Roles: why an agent is given, by a scorer over what the record says of it.

``weights/dose_roles.toml`` has a weight for each fact and role; ``python -m
benchmarks.training.dose_roles`` fits it.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache, cached_property
from typing import Any

from extractor.concepts.doses.agents import Agent, Agents
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.sections import DoseText
from extractor.evidence.scoring import load_scorer
from extractor.language.book import read_table, rule
from extractor.language.lexer import lex
from extractor.schemas import Role

_NEAR = (
    "near_background",
    "near_rescue",
    "near_premedication",
    "near_conditioning",
    "near_comparator",
    "near_examination",
    "premedication",
)
_JOINTS = (
    "title_versus",
    "title_optional",
    "title_added",
    "title_combined",
    "title_choice",
)
"""What may stand between two agents of a title, the more telling ones first."""
_THEMES = ("title_chemotherapy", "title_transplant")
_KINDS_OF_ARMS = ("experimental", "active", "placebo", "sham")
_HINT_BEFORE = 150
_HINT_AFTER = 100
"""How many characters before and behind a statement say why its agent is given."""


class Trial:
    """What a record says of its agents as a whole."""

    def __init__(
        self,
        titles: Sequence[DoseText],
        texts: Sequence[DoseText],
        agents: Agents,
        arms: Arms,
        regimens: Sequence[Regimen],
    ) -> None:
        self.agents = agents
        self.arms = arms
        self.given = {regimen.agent.key: regimen.agent for regimen in regimens}
        self.types = {text.name: text.type for text in texts}
        self._titles = titles

    @cached_property
    def titles(self) -> Mapping[str, Set[str]]:
        """What the first title that names an agent says of it."""
        said: dict[str, Set[str]] = {}
        for title in self._titles:
            for key, words in self._read_title(title).items():
                said.setdefault(key, words)
        return said

    def _read_title(self, title: DoseText) -> Mapping[str, Set[str]]:
        """Return whether a title names each of its agents alone, first or later, and behind which
        words.
        """
        said: dict[str, set[str]] = {}
        border = 0
        for one in self.agents.find(title):
            joint = _name_joint(title, border, one.first)
            place = "later" if border else "first"
            said.setdefault(one.agent.key, set()).update((place, f"after {joint}"))
            border = one.end
        return said if len(said) > 1 else {key: {"alone"} for key in said}

    @cached_property
    def themes(self) -> Sequence[str]:
        """The kinds of treatment that the titles name."""
        return [
            name
            for name in _THEMES
            if any(rule(name).occurs(title.tokens) for title in self._titles)
        ]

    @cached_property
    def uses(self) -> Mapping[str, frozenset[str]]:
        """The arms that get each agent."""
        return {
            key: frozenset(self.arms.list_linked(agent) | self.arms.list_naming(agent))
            for key, agent in self.given.items()
        }

    @cached_property
    def gets(self) -> Mapping[str, frozenset[str]]:
        """The agents of each arm."""
        return {
            arm: frozenset(key for key, arms in self.uses.items() if arm in arms)
            for arm in self.arms.places
        }

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each arm. One of no kind whose label says "control" is active."""
        return {name: _class_arm(text) for name, text in self.arms.texts.items()}

    def name_cover(self, agent: Agent) -> str:
        """Return whether one arm, every arm, some arms or no arm gets an agent."""
        number = len(self.uses.get(agent.key, ()))
        if len(self.arms.places) < 2:
            return "one arm"
        if number == 0:
            return "no arm"
        return "every arm" if number == len(self.arms.places) else "some arms"


def read_role(regimen: Regimen, trial: Trial) -> tuple[Role, float, tuple[Role, ...]]:
    """Return the likeliest role of a regimen's agent, its probability, and its rivals."""
    if regimen.agent.is_placebo:
        return Role.PLACEBO, 0.95, ()
    signs = list(describe_role(regimen, trial))
    [choice] = load_scorer("dose_roles").choose([signs])
    return Role(choice.value), choice.confidence, tuple(map(Role, choice.rivals))


def describe_role(regimen: Regimen, trial: Trial) -> Iterator[str]:
    """Yield what speaks for the roles of a regimen's agent."""
    agent = regimen.agent
    names = class_name(agent.key)
    cover = trial.name_cover(agent)
    others = [key for key in trial.given if key != agent.key]
    yield "always"
    yield f"kind {agent.kind}"
    yield f"registered {agent.is_registered}"
    yield f"novel others {any('novel' in class_name(key) for key in others)}"
    yield from (f"name {name}" for name in names)
    yield from (f"type {trial.types[section]}" for section in agent.sections)
    for theme in trial.themes:
        yield from (f"{theme}, name {name}" for name in names)
        yield from (f"{theme}, name {name}, {cover}" for name in names)
    yield from _describe_use(regimen, trial)
    yield from _describe_title(agent, trial, cover)
    yield from _describe_company(agent, trial, cover)
    yield from _describe_words(regimen)


def _describe_use(regimen: Regimen, trial: Trial) -> Iterator[str]:
    """Yield how many arms and agents there are, and which kinds of arms get an agent and others."""
    agent = regimen.agent
    uses = trial.uses.get(agent.key, frozenset())
    kinds = {trial.kinds[arm] for arm in uses}
    all_kinds = set(trial.kinds.values())
    shown = "+".join(sorted(kinds)) or "no arm"
    is_everywhere = len(uses) == len(trial.kinds) > 1
    yield f"arms {min(len(trial.kinds), 3)}"
    yield f"agents {min(len(trial.given), 4)}"
    yield f"in {shown} of {'+'.join(sorted(all_kinds))}"
    if len(all_kinds) > 1:
        yield f"in {shown}"
        yield f"stated in {trial.kinds.get(regimen.main.text.name)}"
    if "experimental" in all_kinds - kinds:
        yield f"not experimental, {shown}"
    if is_everywhere and any(other < uses for other in trial.uses.values()):
        yield "in every arm, others not"
    if any(other > uses for other in trial.uses.values()):
        yield "others in more arms"
    if trial.agents.registered[:1] == [agent]:
        yield "first intervention"


def _describe_title(agent: Agent, trial: Trial, cover: str) -> Iterator[str]:
    """Yield how the titles name an agent, or that they name others alone."""
    said = trial.titles.get(agent.key)
    how = "not in title" if said is None else "in title"
    if not trial.titles:
        how = "title without agents"
    yield f"{how}, {cover}"
    yield f"{how}, {agent.kind}"
    for word in sorted(said or ()):
        yield f"title {word}"
        yield f"title {word}, {cover}"


def _describe_company(agent: Agent, trial: Trial, cover: str) -> Iterator[str]:
    """Yield whether arms get an agent alone, and with or without which others."""
    own = {keys for keys in trial.gets.values() if agent.key in keys}
    others = {keys for keys in trial.gets.values() if keys and agent.key not in keys}
    if not own or len(trial.gets) < 2:
        return
    sizes = [min(len(keys), 2) for keys in own]
    shape = f"given in {min(sizes)} to {max(sizes)}, {cover}"
    # what an arm without the agent gets is what the agent is added to
    base = frozenset.intersection(*own) - {agent.key}
    yield shape
    yield f"{shape}, in title {agent.key in trial.titles}"
    yield f"added to others {any(keys <= base for keys in others)}"


def _describe_words(regimen: Regimen) -> Iterator[str]:
    """Yield words near a regimen, and fields, that say why its agent is given."""
    main = regimen.main
    tokens = main.text.tokens
    start, stop = tokens.span(*main.find_words())
    around = lex(tokens.text[max(0, start - _HINT_BEFORE) : stop + _HINT_AFTER])
    frequency = regimen.frequency()
    days = regimen.best("days")
    yield from (name for name in _NEAR if rule(name).occurs(around))
    yield f"amounts {bool(regimen.amounts())}"
    yield f"owner {main.owner.how}"
    yield f"route {regimen.read('route')}"
    yield f"frequency {frequency[0] if frequency else None}"
    is_before_graft = days and min(days.mark.value) < 0 and max(days.mark.value) <= 0
    if is_before_graft and "ablative" in class_name(regimen.agent.key):
        yield "prepares"


def _name_joint(title: DoseText, first: int, end: int) -> str:
    joints = (name for name in _JOINTS if rule(name).occurs(title.tokens, first, end))
    return next(joints, "nothing")


def _class_arm(arm: DoseText) -> str:
    """Return the class of an arm by its registered type and its label."""
    kind = next((word for word in _KINDS_OF_ARMS if word in arm.type), "other")
    is_control = rule("control_label").occurs(arm.tokens, *arm.title)
    if kind in ("other", "sham") and is_control:
        return "active"
    return kind


@cache
def class_name(key: str) -> tuple[str, ...]:
    """Return the classes that a name indicates, by its ends and parts. A code with a number of
    three digits or more means a new drug.

    >>> class_name("fludarabine"), class_name("fictumab")
    (('ablative', 'lymphodepleting'), ('novel',))
    """
    is_coded = any(word.isdigit() and len(word) > 2 for word in lex(key).words)
    return tuple(
        name
        for name, row in read_table("agent_classes").items()
        if (name == "novel" and is_coded) or _has_part(key.lower(), row)
    )


def _has_part(key: str, row: Mapping[str, Any]) -> bool:
    is_excepted = key.endswith(tuple(row.get("not", ())))
    if key.endswith(tuple(row.get("ends", ()))) and not is_excepted:
        return True
    return any(part in f" {key} " for part in row["parts"])
