"""Find the arms that receive a regimen: those that the registry links to it, those whose own texts
state it, or the only arm.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain

from extractor.concepts.doses.agents import Agent, Agents, Mention
from extractor.concepts.doses.arm_labels import ArmLabels
from extractor.concepts.doses.linking import Linked
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.sections import DoseText
from extractor.evidence.drafts import Span
from extractor.language.book import rule
from extractor.schemas import Amount, TrialRecord

_LONGEST_LABEL = 1000
"""Number of characters from which the title of an arm is not its label. Registers allow 100."""
_STAND_INS = ("placebo", "sham")
"""The parts of the registered types of arms that receive something inactive."""


def locate_arms(texts: Iterable[DoseText]) -> dict[str, Span]:
    """Map the section name of each arm that has a label to the span of its label."""
    labels: dict[str, Span] = {}
    for text in texts:
        first, end = text.title
        if not text.is_arm or first >= end:
            continue
        label = text.span(first, end)
        if label.length <= _LONGEST_LABEL:
            labels[text.name] = label
    return labels


@dataclass(eq=False)
class OfAgent:
    """All regimens of an agent: their number, and the arms of which a text states one of them."""

    count: int = 0
    stating: set[str] = field(default_factory=set)

    def add(self, stating: Set[str]) -> None:
        """Add a regimen of the agent, with the arms of which a text states it."""
        self.count += 1
        self.stating |= stating


class Arms:
    """The arms of a record, with the agents that each arm receives.

    Attributes:
        places: The span of each arm's label by the arm's section name, in the order of the record.
        texts: The texts of the arms by section name.
        mentioning: The arms whose own text mentions an agent, even as not given, by the agent's
            key.
        telling: The arms that the registry links to an agent, or whose own text gives it, by the
            agent's key.
    """

    def __init__(
        self, record: TrialRecord, texts: Sequence[DoseText], agents: Agents
    ) -> None:
        self.places = locate_arms(texts)
        self.texts = {text.name: text for text in texts if text.name in self.places}
        self._links = record.registry.arm_links
        self._bare = frozenset(record.registry.bare_arms)
        self._labels = ArmLabels(self.texts.values())
        self._ranks = {name: rank for rank, name in enumerate(self.places)}
        named: list[tuple[str, str]] = []
        given: list[tuple[str, str]] = []
        for name, text in self.texts.items():
            for near in agents.find(text):
                named.append((near.agent.key, name))
                if _gets(text, near):
                    given.append((near.agent.key, name))
        linked: list[tuple[str, str]] = []
        for arm, of_arm in agents.linked.items():
            linked += [(agent.key, arm) for agent in of_arm]
        self.mentioning = _group(named)
        self.telling = _group(given + linked)
        self._naming = _group(given)
        self._giving = {arm for _, arm in given}
        self._shared = set(_list_given_to_all(texts, agents))
        self._linked = agents.linked
        self._arms_of: dict[str, frozenset[str]] = {}

    def list_linked(self, agent: Agent) -> frozenset[str]:
        """Return the arms that the registry links to an agent's interventions, except those that
        seem to receive something else instead, unless all do. If no arm is linked, all arms whose
        own text names the agent are returned; otherwise, an arm whose own text names the agent is
        added only if it does not have any links.
        """
        # an agent may have many regimens
        if agent.key not in self._arms_of:
            self._arms_of[agent.key] = frozenset(self._link(agent))
        return self._arms_of[agent.key]

    def _link(self, agent: Agent) -> Set[str]:
        """Return the arms that the registry links to an agent, and those that name it themselves.
        If it links any, arms count by their own text only if it links nothing to them.
        """
        links = (self._links.get(section, ()) for section in agent.sections)
        linked = {*chain.from_iterable(links)}
        naming = self.list_naming(agent)
        if linked:
            naming = naming & self._bare
        received = {arm for arm in linked if not self._is_without(arm, agent)}
        return self.places.keys() & (naming | (received or linked))

    def _is_without(self, arm: str, agent: Agent) -> bool:
        """Return whether an arm that the registry links to an agent does not receive it, because it
        is an arm of a placebo or a sham that is linked to nothing else.
        """
        if agent.is_placebo or arm not in self.places:
            return False
        # "capsules, 0 (placebo), 100 or 200 mg": one intervention is the drug and its placebo
        is_of_stand_in = any(word in self.texts[arm].type for word in _STAND_INS)
        return is_of_stand_in and self._linked[arm].keys() == {agent}

    def list_naming(self, agent: Agent) -> Set[str]:
        """Return the arms whose own text states that an agent is given; all arms if one text states
        that all get it.
        """
        if agent.key in self._shared:
            return self.texts.keys()
        return self._naming[agent.key]

    def gives_others(self, arm: str) -> bool:
        """Return whether an arm's own text names agents and does not refer to another arm."""
        is_referring = rule("as_in_group").occurs(self.texts[arm].tokens)
        return arm in self._giving and not is_referring

    def find(self, regimen: Regimen, of_agent: OfAgent) -> tuple[str, list[str]]:
        """Return how the arms of a regimen were found, which is the case to pass to ``measured``,
        and the arms in the order of the record. ``of_agent`` describes all regimens of the agent:
        the arms of the others are excluded if neither the registry nor an arm's text determines
        which arms receive the regimen.
        """
        if len(self.places) == 1:
            return "the only arm", list(self.places)
        linked = self.list_linked(regimen.agent)
        stating = self.list_stating(regimen)
        if linked and of_agent.count == 1:
            how = "linked"
            if stating:
                how = "own text, linked"
            return how, self._sort(linked)
        if stating:
            return "own text", self._sort(stating)
        own: set[str] = set()
        for statement in regimen.statements:
            own.update(self._links.get(statement.text.name, ()))
        # an arm that states one step of a treatment gets the others, too
        taken: Set[str] = of_agent.stating
        if regimen.step:
            taken = frozenset()
        # one of two entries of a drug is linked to the arms that get its regimen
        found: Set[str] = (own & linked) - taken
        if not found:
            found = linked - taken
        return "one of several regimens", self._sort(found)

    def list_stating(self, regimen: Regimen) -> set[str]:
        """Return the arms whose own text states a regimen, or of which another text states it:
        "Arm A: 10 mg once daily".
        """
        stating: set[str] = set()
        for statement in regimen.statements:
            if not statement.text.is_arm:
                continue
            if statement.amounts or statement.owner.is_named:
                stating.add(statement.text.name)
        stating.update(*self._read_labels(regimen).values())
        return stating

    def _read_labels(self, regimen: Regimen) -> dict[Linked, Sequence[str]]:
        """Return the arms that labels beside the amounts of a regimen name, by amount. A text that
        tells only some of its amounts apart tells none: the others may be those of all arms.
        """
        by_text = defaultdict[str, dict[Linked, Sequence[str]]](dict)
        for link in regimen.links("amounts"):
            told = self._labels.find(link.text)
            by_text[link.text.name][link] = told.get(link.mark.place, ())
        read: dict[Linked, Sequence[str]] = {}
        for of_text in by_text.values():
            if all(of_text.values()):
                read |= of_text
        return read

    def _sort(self, arms: Iterable[str]) -> list[str]:
        return sorted(self._ranks.keys() & arms, key=self._ranks.__getitem__)

    def find_of_amounts(self, regimen: Regimen) -> list[Amount]:
        """Return the dose levels of a regimen, each with the labels of the arms whose own text or
        entry states it. The levels are returned unchanged if the arms state only one of them, or
        if an arm states several.
        """
        levels = [level.amount for level in regimen.levels.values()]
        if len(levels) < 2:
            return levels
        texts: dict[Amount, list[str]] = {level: [] for level in levels}
        has_entries = len(regimen.agent.sections) > 1
        labelled = self._read_labels(regimen)
        for link in regimen.links("amounts"):
            name = link.text.name
            arms: Sequence[str] = (name,)
            # one of two entries of a drug states the amount of the arms that are linked to it
            if has_entries:
                arms = self._links.get(name, arms)
            arms = labelled.get(link, arms)
            for amount in link.mark.value:
                if amount in texts:
                    texts[amount] += arms
        stating = [self._sort(names) for names in texts.values()]
        members = list(chain.from_iterable(stating))
        is_split = sum(map(bool, stating)) > 1
        if not is_split:
            return levels
        if len(set(members)) < len(members):
            return levels
        told_apart: list[Amount] = []
        for level, names in zip(texts, stating, strict=True):
            # a level of no arm is that of all, as a starting dose
            labels = tuple(map(self.read_label, names))
            told_apart.append(level.model_copy(update={"arms": labels}))
        return told_apart

    def read_label(self, arm: str) -> str:
        """Return the label of an arm."""
        place = self.places[arm]
        return self.texts[arm].lexed.raw[place.start : place.end]


def _list_given_to_all(texts: Iterable[DoseText], agents: Agents) -> Iterator[str]:
    """Yield the keys of the agents of which a text says that all participants get them."""
    for text in texts:
        # what a registry holds for one arm speaks of all patients of this arm
        if text.type:
            continue
        for near in agents.find(text):
            clause = text.find_clause(near.first)
            if rule("given_to_all").starts(text.tokens, *clause):
                yield near.agent.key


def _group(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Set[str]]:
    """Return the arms of each agent, given pairs of the agent's key and an arm."""
    arms = defaultdict[str, set[str]](set)
    for key, arm in pairs:
        arms[key].add(arm)
    return arms


def _gets(text: DoseText, mention: Mention) -> bool:
    """Return whether an arm's text names an agent as being given, rather than as being compared or
    omitted.
    """
    if rule("not_given_before").ends(text.tokens, mention.first):
        return False
    return rule("not_given_after").starts(text.tokens, mention.end) is None
