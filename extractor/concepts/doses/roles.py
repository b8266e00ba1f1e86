"""Roles: classify why an agent is given, with a scorer that weighs signs from the record.

``weights/dose_roles.toml`` contains a weight for each sign and role. ``python -m
benchmarks.training.dose_roles`` fits the weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property

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
"""Rules for the words between two agents in a title, with the most informative rule first."""
_KINDS_OF_ARMS = ("experimental", "active", "placebo", "sham")
_HINT_BEFORE = 150
_HINT_AFTER = 100
"""Number of characters before and after a statement that are searched for the reason why its agent
is given.
"""


class Trial:
    """Facts about the whole record that help to classify the roles of its agents."""

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
    def titles(self) -> Mapping[str, str]:
        """Describes how the first title that mentions each agent names it: "alone", "first", or
        "later" with the rule for the preceding words.
        """
        namings: dict[str, str] = {}
        for title in self._titles:
            agents: dict[str, str] = {}
            border = 0
            for mention in self.agents.find(title):
                between = (title.tokens, border, mention.first)
                joints = [name for name in _JOINTS if rule(name).occurs(*between)]
                how = "first"
                if border:
                    how = f"later, {next(iter(joints), 'no joint')}"
                agents.setdefault(mention.agent.key, how)
                border = mention.end
            if len(agents) == 1:
                agents = dict.fromkeys(agents, "alone")
            namings = agents | namings
        return namings

    @cached_property
    def uses(self) -> Mapping[str, frozenset[str]]:
        """The arms that receive each agent."""
        return {
            key: frozenset(self.arms.list_linked(agent) | self.arms.list_naming(agent))
            for key, agent in self.given.items()
        }

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The class of each arm. A sham arm, or an arm without a class, is treated as active if its
        label contains "control".
        """
        return {name: _class_arm(text) for name, text in self.arms.texts.items()}


def read_role(regimen: Regimen, trial: Trial) -> tuple[Role, float, tuple[Role, ...]]:
    """Return the most likely role of a regimen's agent, the probability of that role, and other
    likely roles.
    """
    if regimen.agent.is_placebo:
        return Role.PLACEBO, 0.95, ()
    signs = list(describe_role(regimen, trial))
    [choice] = load_scorer("dose_roles").choose([signs])
    return Role(choice.value), choice.confidence, tuple(map(Role, choice.rivals))


def describe_role(regimen: Regimen, trial: Trial) -> Iterator[str]:
    """Yield the signs for the role of a regimen's agent."""
    agent = regimen.agent
    other_keys = [key for key in trial.given if key != agent.key]
    yield "always"
    yield f"kind {agent.kind}"
    yield f"registered {agent.is_registered}"
    yield f"novel others {any('novel' in class_name(key) for key in other_keys)}"
    for name in class_name(agent.key):
        yield f"name {name}"
    yield from (f"type {trial.types[section]}" for section in agent.sections)
    if trial.agents.registered[:1] == [agent]:
        yield "first intervention"
    yield from _describe_arms(agent, trial)
    yield from _describe_words(regimen)


def _describe_arms(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield signs for the arms that receive the agent, for the arms that receive the other agents,
    and for the agent's mention in the titles.
    """
    uses = trial.uses[agent.key]
    all_arms = trial.arms.places
    cover = "some arms"
    if len(uses) == len(all_arms):
        cover = "every arm"
    if len(all_arms) < 2:
        cover = "one arm"
    elif not uses:
        cover = "no arm"
    kinds = {trial.kinds[arm] for arm in uses}
    all_kinds = set(trial.kinds.values())
    classes = "+".join(sorted(kinds)) or "no arm"
    yield f"arms {min(len(all_arms), 3)}"
    yield f"in {classes}"
    yield f"in {classes} of {'+'.join(sorted(all_kinds))}"
    if "experimental" in all_kinds - kinds:
        yield f"not experimental, {classes}"
    if any(arms > uses for arms in trial.uses.values()):
        yield "others in more arms"
    yield from _describe_title(agent, trial, cover)


def _describe_title(agent: Agent, trial: Trial, cover: str) -> Iterator[str]:
    """Yield a sign for how the titles name an agent, or for titles that name only other agents."""
    naming = trial.titles.get(agent.key)
    how = "in title"
    if naming is None:
        how = "not in title"
    if not trial.titles:
        how = "title without agents"
    yield f"{how}, {cover}"
    yield f"{how}, {agent.kind}"
    if naming:
        yield f"title {naming}, {cover}"


def _describe_words(regimen: Regimen) -> Iterator[str]:
    """Yield signs for nearby words and for fields that explain why an agent is given."""
    main = regimen.main
    tokens = main.text.tokens
    start, stop = tokens.span(*main.find_words())
    context = lex(tokens.text[max(0, start - _HINT_BEFORE) : stop + _HINT_AFTER])
    frequency = regimen.frequency()
    days = regimen.read("days") or (0,)
    yield from (name for name in _NEAR if rule(name).occurs(context))
    yield f"amounts {bool(regimen.amounts())}"
    yield f"owner {main.owner.how}"
    yield f"route {regimen.read('route')}"
    yield f"frequency {frequency[0] if frequency else None}"
    # as lymphodepletion "on days -5 to -3" before an infusion of cells on day 0
    if max(days) <= 0 > min(days) and "ablative" in class_name(regimen.agent.key):
        yield "prepares"


def _class_arm(arm: DoseText) -> str:
    """Return the class of an arm, determined by its registered type and its label."""
    kind = next((word for word in _KINDS_OF_ARMS if word in arm.type), "other")
    is_control = rule("control_label").occurs(arm.tokens, *arm.title)
    if kind not in (("other", "sham")):
        return kind
    if not is_control:
        return kind
    return "active"


@cache
def class_name(key: str) -> tuple[str, ...]:
    """Return the drug classes that the endings and parts of a name indicate. A code with a number
    of at least three digits indicates a new drug.

    >>> class_name("fludarabine"), class_name("fictumab")
    (('ablative', 'lymphodepleting'), ('novel',))
    """
    is_coded = any(word.isdigit() and len(word) > 2 for word in lex(key).words)
    folded = key.lower()
    classes: list[str] = []
    for name, row in read_table("agent_classes").items():
        ends = folded.endswith(tuple(row.get("ends", ())))
        is_excepted = folded.endswith(tuple(row.get("not", ())))
        has_part = any(part in f" {folded} " for part in row["parts"])
        if has_part or (ends and not is_excepted) or (name == "novel" and is_coded):
            classes.append(name)
    return tuple(classes)
