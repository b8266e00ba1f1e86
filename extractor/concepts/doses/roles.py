"""Roles: classify why an agent is given, with a scorer that weighs features from the record.

``weights/dose_roles.toml`` contains a weight for each feature and role. ``python -m
benchmarks.training.dose_roles`` fits the weights.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache

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
_CLASSES_OF_ARMS = ("experimental", "active", "placebo", "sham")
"""Words in the registered types of arms; the first one that occurs is the arm's class."""
_CERTAINTY_OF_PLACEBO = 0.95
"""The probability that an agent called a placebo has that role."""
_CERTAINTY_OF_WORDS = 0.8
"""The probability of a role that the clause of a dose names. Chosen by hand."""
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
        agents: Agents,
        arms: Arms,
        regimens: Iterable[Regimen],
    ) -> None:
        self.agents = agents
        self.arms = arms
        given = {regimen.agent.key: regimen.agent for regimen in regimens}
        self.actives: set[str] = set()
        """The agents of the regimens that are no placebos."""
        self.uses: dict[str, Set[str]] = {}
        """The arms that receive each agent."""
        self.novel: set[str] = set()
        """The agents whose names are those of new drugs."""
        for key, agent in given.items():
            self.uses[key] = arms.list_linked(agent) | arms.list_naming(agent)
            if not agent.is_placebo:
                self.actives.add(key)
            if "novel" in class_name(key):
                self.novel.add(key)
        self.sets_of_arms = _group_sets(self.uses.values())
        """The sets of arms that receive an agent, by each of their arms."""
        self.arm_classes = {name: _class_arm(text) for name, text in arms.texts.items()}
        self.all_classes = {*self.arm_classes.values()}
        self.has_titles = False
        self.namings: dict[str, str] = {}
        """How the first title that mentions an agent names it."""
        for title in titles:
            namings = _read_title(title, agents)
            self.has_titles |= bool(namings)
            self.namings = namings | self.namings


def _group_sets(uses: Iterable[Set[str]]) -> Mapping[str, Sequence[Set[str]]]:
    """Return the sets of arms that receive an agent, each once, by each of their arms."""
    by_arm = defaultdict[str, list[Set[str]]](list)
    for receiving in {*map(frozenset, uses)}:
        for arm in receiving:
            by_arm[arm].append(receiving)
    return by_arm


def _read_title(title: DoseText, agents: Agents) -> dict[str, str]:
    """Return how a title first names each agent, by the agent's key: "alone" if the title names no
    other agent, "first", or "later" with the rule for the words between it and the agent before it.
    Empty if the title names no agents.
    """
    namings: dict[str, str] = {}
    border = 0
    for mention in agents.find(title):
        how = "first"
        if border:
            joint = _find_joint(title, border, mention.first)
            how = f"later, {joint}"
        namings.setdefault(mention.agent.key, how)
        border = mention.end
    if len(namings) == 1:
        return dict.fromkeys(namings, "alone")
    return namings


def _find_joint(title: DoseText, first: int, end: int) -> str:
    """Return the most informative rule for the words between two agents of a title."""
    for name in _JOINTS:
        if rule(name).occurs(title.tokens, first, end):
            return name
    return "no joint"


def read_role(regimen: Regimen, trial: Trial) -> tuple[Role, float, tuple[Role, ...]]:
    """Return the most likely role of a regimen's agent, the probability of that role, and other
    likely roles. A placebo's role is not weighed.
    """
    if regimen.agent.is_placebo:
        return Role.PLACEBO, _CERTAINTY_OF_PLACEBO, ()
    main = regimen.main
    is_alone = main.rivals < 2
    if is_alone and rule("says_rescue").occurs(main.text.tokens, *main.clause):
        return Role.RESCUE, _CERTAINTY_OF_WORDS, ()
    if _stands_in(regimen, trial):
        return Role.PLACEBO, _CERTAINTY_OF_WORDS, ()
    features = list(describe_role(regimen, trial))
    [choice] = load_scorer("dose_roles").choose([features])
    return Role(choice.value), choice.probability, tuple(map(Role, choice.rivals))


def _stands_in(regimen: Regimen, trial: Trial) -> bool:
    """Return whether an agent is a fluid without effect that only arms of a placebo or a sham get,
    or that its clause or the entry of a placebo states: "Placebo: normal saline 10 mL".
    """
    key = regimen.agent.key
    if "inactive" not in class_name(key):
        return False
    main = regimen.main
    if any(agent.is_placebo for agent in trial.agents.list_of(main.text)):
        return True
    if rule("placebo_word").occurs(main.text.tokens, *main.clause):
        return True
    classes = {trial.arm_classes[arm] for arm in trial.uses[key]}
    return bool(classes) and classes <= {"placebo", "sham"}


def describe_role(regimen: Regimen, trial: Trial) -> Iterator[str]:
    """Yield the features for the role of a regimen's agent: its name and kind, the arms that
    receive it and the other agents, how the titles name it, and the words near it.
    """
    agent = regimen.agent
    classes = class_name(agent.key)
    yield "always"
    yield f"kind {agent.kind}"
    yield f"registered {agent.is_registered}"
    yield f"novel others {not trial.novel <= {agent.key}}"
    yield from (f"name {name}" for name in classes)
    if agent.is_registered:
        yield f"type {agent.source.type}"
    if trial.agents.registered[:1] == [agent]:
        yield "first intervention"
    yield from _describe_arms(agent, trial)
    main = regimen.main
    tokens = main.text.tokens
    start, stop = tokens.span(*main.find_words())
    context = lex(tokens.text[max(0, start - _HINT_BEFORE) : stop + _HINT_AFTER])
    yield from (name for name in _NEAR if rule(name).occurs(context))
    yield f"amounts {bool(regimen.levels)}"
    # as lymphodepletion "on days -5 to -3" before an infusion of cells on day 0
    days = regimen.best("days")
    if days and "ablative" in classes:
        first_day = min(days.mark.value)
        last_day = max(days.mark.value)
        if first_day < 0 and last_day <= 0:
            yield "prepares"


def _describe_arms(agent: Agent, trial: Trial) -> Iterator[str]:
    """Yield features for the arms that receive an agent and the other agents, and for how the
    titles name it.
    """
    uses = trial.uses[agent.key]
    total = len(trial.arms.places)
    classes = {trial.arm_classes[arm] for arm in uses}
    own_classes = "+".join(sorted(classes)) or "no arm"
    yield f"arms {min(total, 3)}"
    yield f"in {own_classes}"
    yield f"in {own_classes} of {'+'.join(sorted(trial.all_classes))}"
    if "experimental" in trial.all_classes - classes:
        yield f"not experimental, {own_classes}"
    if _has_larger(uses, trial.sets_of_arms):
        yield "others in more arms"
    cover = "some arms"
    if total < 2:
        cover = "one arm"
    elif not uses:
        cover = "no arm"
    elif len(uses) == total:
        cover = "every arm"
    naming = trial.namings.get(agent.key)
    how = "title without agents"
    if trial.has_titles:
        how = "not in title"
    if naming:
        how = "in title"
        yield f"title {naming}, {cover}"
    yield f"{how}, {cover}"
    yield f"{how}, {agent.kind}"


def _has_larger(uses: Set[str], sets_of_arms: Mapping[str, Sequence[Set[str]]]) -> bool:
    """Return whether another agent is given in all of an agent's arms and in more. Such a set of
    arms contains each of them, so only the sets of the rarest one are compared.
    """
    fewest: Sequence[Set[str]] = ()
    # every set is larger than that of an agent without arms
    arms: Iterable[str] = uses
    if not uses:
        arms = sets_of_arms
    for arm in arms:
        of_arm = sets_of_arms[arm]
        if not fewest or len(of_arm) < len(fewest):
            fewest = of_arm
    return any(receiving > uses for receiving in fewest)


def _class_arm(arm: DoseText) -> str:
    """Return the class of an arm: that of its registered type ("sham" for "sham comparator"), or
    "other". An arm of the class "sham" or "other" that is labelled as a control is "active".
    """
    registered = next((word for word in _CLASSES_OF_ARMS if word in arm.type), "other")
    is_control = rule("control_label").occurs(arm.tokens, *arm.title)
    # "Control: usual care" is what the other arms are compared with, like an active comparator
    if is_control and registered in ("other", "sham"):
        return "active"
    return registered


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
        is_of_class = any(part in f" {folded} " for part in row["parts"])
        if folded.endswith(tuple(row.get("ends", ()))):
            is_excepted = folded.endswith(tuple(row.get("not", ())))
            is_of_class |= not is_excepted
        if name == "novel":
            is_of_class |= is_coded
        if is_of_class:
            classes.append(name)
    return tuple(classes)
