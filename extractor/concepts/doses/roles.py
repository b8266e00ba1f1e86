"""Roles: why an agent is given, by a scorer over what the record says of it.

``weights/dose_roles.toml`` has a weight for each fact and role; ``python -m
benchmarks.training.dose_roles`` fits it.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache, cached_property
from typing import Any

from extractor.concepts.doses.agents import Agent, Agents, Mention
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.sections import DoseText
from extractor.evidence.scoring import load_scorer
from extractor.language.book import read_table, rule
from extractor.language.lexer import Tokens, lex
from extractor.schemas import Role

_NEAR = (
    "near_background",
    "near_rescue",
    "near_premedication",
    "near_conditioning",
    "near_comparator",
    "near_examination",
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
            mentions = self.agents.find(title)
            of_title: dict[str, set[str]] = {}
            for number, mention in enumerate(mentions):
                words = of_title.setdefault(mention.agent.key, set())
                words.update(_describe_titled(title.tokens, mentions, number))
            for key, words in of_title.items():
                said.setdefault(key, words)
        return said

    @cached_property
    def themes(self) -> Sequence[str]:
        """The kinds of treatment that the titles name."""
        return [
            name
            for name in _THEMES
            if any(rule(name).search(title.tokens) for title in self._titles)
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
    def gets(self) -> Mapping[str, frozenset[str]]:
        """The agents of each arm."""
        return {
            arm: frozenset(key for key, arms in self.uses.items() if arm in arms)
            for arm in self.arms.places
        }

    @cached_property
    def labels(self) -> Mapping[str, Set[str]]:
        """The arms whose label names each agent."""
        labels: dict[str, set[str]] = {}
        for text in self.arms.texts.values():
            for mention in self.agents.find(text):
                if mention.end <= text.title[1]:
                    labels.setdefault(mention.agent.key, set()).add(text.name)
        return labels

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each arm. One of no kind whose label says "control" is active."""
        return {text.name: _class_group(text) for text in self.arms.texts.values()}

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
    yield "always"
    yield f"kind {agent.kind}"
    yield f"registered {agent.is_registered}"
    yield from (f"name {name}" for name in names)
    yield from (f"type {trial.types[section]}" for section in agent.sections)
    cover = trial.name_cover(agent)
    for theme in trial.themes:
        for name in names:
            yield f"{theme}, name {name}"
            yield f"{theme}, name {name}, {cover}"
    yield from _describe_use(agent, trial)
    yield from _describe_label(regimen, trial)
    yield from _describe_title(agent, trial, cover)
    yield from _describe_company(agent, trial, cover)
    yield from _describe_words(regimen)
    days = regimen.best("days")
    is_before_graft = days and min(days.mark.value) < 0 and max(days.mark.value) <= 0
    if is_before_graft and "ablative" in names:
        yield "prepares"
    others = [other for other in trial.given.values() if other is not agent]
    if any("novel" in class_name(other.key) for other in others):
        yield "beside novel"
    if not regimen.amounts():
        yield "no amount"
    if regimen.main.owner.how != "named":
        yield f"owner {regimen.main.owner.how}"


def _describe_use(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield how many arms and agents there are, which kinds of arms get an agent, and others."""
    uses = trial.uses.get(agent.key, frozenset())
    kinds = {trial.kinds[arm] for arm in uses}
    all_kinds = set(trial.kinds.values())
    shown = "+".join(sorted(kinds)) or "no arm"
    all_shown = "+".join(sorted(all_kinds))
    yield f"arms {min(len(trial.kinds), 3)}"
    yield f"agents {min(len(trial.given), 4)}"
    if uses or agent.is_registered:
        if len(all_kinds) > 1:
            yield f"in {shown}"
        yield f"in {shown} of {all_shown}"
    if "experimental" in all_kinds - kinds and uses:
        yield "in no experimental arm"
        if kinds == {"active"}:
            yield "in active arms alone"
    yield from _compare_uses(uses, trial)
    registered = trial.agents.registered
    if registered and registered[0] is agent:
        yield "first intervention"


def _compare_uses(uses: frozenset[str], trial: Trial) -> Iterator[str]:
    """Yield how the arms of an agent compare with those of others."""
    is_everywhere = len(uses) == len(trial.kinds) > 1
    if is_everywhere and any(other < uses for other in trial.uses.values()):
        yield "in every arm, others not"
    if any(other > uses for other in trial.uses.values()):
        yield "others in more arms"


def _describe_label(regimen: Regimen, trial: Trial) -> Iterator[str]:
    """Yield the kind of the arm that states a regimen, and of the arms labelled after its agent."""
    is_compared = len(set(trial.kinds.values())) > 1
    section = regimen.main.text
    if is_compared and section.is_arm:
        yield f"stated in {class_arm(section.type)}"
    labelled = trial.labels.get(regimen.agent.key, frozenset())
    if not labelled:
        return
    if len(labelled) < len(trial.kinds):
        yield "labels an arm"
    if is_compared:
        for kind in sorted({trial.kinds[arm] for arm in labelled}):
            yield f"labels {kind}"


def _describe_title(agent: Agent, trial: Trial, cover: str) -> Iterator[str]:
    """Yield how the titles name an agent, or that they name others alone."""
    if not trial.titles:
        yield f"title without agents, {cover}"
        return
    said = trial.titles.get(agent.key)
    is_titled = "not in title" if said is None else "in title"
    yield f"{is_titled}, {cover}"
    yield f"{is_titled}, {agent.kind}"
    for word in sorted(said or ()):
        yield f"title {word}"
        yield f"title {word}, {cover}"


def _describe_company(agent: Agent, trial: Trial, cover: str) -> Iterator[str]:
    """Yield whether arms get an agent alone, and with or without which others."""
    own = {keys for keys in trial.gets.values() if agent.key in keys}
    others = {keys for keys in trial.gets.values() if keys and agent.key not in keys}
    if not own or len(trial.gets) < 2:
        return
    sizes = [len(keys) for keys in own]
    shape = "beside others"
    if max(sizes) == 1:
        shape = "alone"
    elif min(sizes) == 1:
        shape = "alone and beside others"
    yield f"given {shape}, {cover}"
    yield f"given {shape}, {cover}, in title {agent.key in trial.titles}"
    # what an arm without the agent gets is what the agent is added to
    base = frozenset.intersection(*own) - {agent.key}
    if any(keys <= base for keys in others):
        yield "added to what other arms get"


def _describe_words(regimen: Regimen) -> Iterator[str]:
    """Yield words near a regimen that say why its agent is given."""
    around = _read_around(regimen)
    for name in (*_NEAR, "premedication"):
        if rule(name).search(around):
            yield name
    frequency = regimen.frequency()
    if frequency:
        yield f"frequency {frequency[0]}"
    if regimen.route():
        yield f"route {regimen.route()}"


def _read_around(regimen: Regimen) -> Tokens:
    """Return the words near the main statement of a regimen."""
    main = regimen.main
    tokens = main.text.tokens
    first, end = main.find_words()
    start, stop = tokens.span(first, end)
    return lex(tokens.text[max(0, start - _HINT_BEFORE) : stop + _HINT_AFTER])


def _describe_titled(
    tokens: Tokens, mentions: Sequence[Mention], number: int
) -> Iterator[str]:
    """Yield how a title names one of its agents: alone, first or later, and how it joins it to the
    agents beside it.
    """
    mention = mentions[number]
    if len({other.agent.key for other in mentions}) == 1:
        yield "alone"
    yield "later" if number else "first"
    start = mentions[number - 1].end if number else 0
    behind = mentions[number + 1 : number + 2]
    end = behind[0].first if behind else len(tokens)
    for side, place in (
        ("after", (start, mention.first)),
        ("before", (mention.end, end)),
    ):
        joints = [name for name in _JOINTS if rule(name).search(tokens, *place)]
        if joints:
            yield f"{side} {joints[0]}"


def class_arm(kind: str) -> str:
    """Return the class of an arm by its registered type."""
    return next((word for word in _KINDS_OF_ARMS if word in kind), "other")


def _class_group(arm: DoseText) -> str:
    kind = class_arm(arm.type)
    is_control = rule("control_label").search(arm.tokens, *arm.title) is not None
    is_sham = rule("sham_word").search(arm.tokens, *arm.title) is not None
    if kind in ("other", "sham") and is_control and not is_sham:
        return "active"
    return kind


@cache
def class_name(key: str) -> tuple[str, ...]:
    """Return the classes that a name indicates, by its ends and parts. A code with a number of
    three digits or more means a new drug.

    >>> class_name("fludarabine"), class_name("fictumab")
    (('ablative', 'lymphodepleting'), ('novel',))
    """
    numbers = [word for word in lex(key).words if word.isdigit()]
    is_coded = any(len(number) > 2 for number in numbers)
    classes: list[str] = []
    for name, row in read_table("agent_classes").items():
        if (name == "novel" and is_coded) or _has_part(key.lower(), row):
            classes.append(name)
    return tuple(classes)


def _has_part(key: str, row: Mapping[str, Any]) -> bool:
    is_excepted = key.endswith(tuple(row.get("not", ())))
    if key.endswith(tuple(row.get("ends", ()))) and not is_excepted:
        return True
    return any(part in f" {key} " for part in row["parts"])
