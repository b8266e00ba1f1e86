"""Which arms get a regimen and its amounts: by the registry's links, the arm's own text, or as the
only arm.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from extractor.concepts.doses.agents import Agent, AgentNames, Mention
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.sections import DosingSection
from extractor.evidence.drafts import Reading, Span
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.schemas import Amount, Support, TrialRecord

_WITHOUT_DRUG = ("placebo", "sham", "no_intervention")
"""Parts of the registered types of arms that get no active agent of their own."""
_REACH = 6
"""How many tokens beside an agent can say that it is not given."""


def locate_arms(record: TrialRecord) -> dict[str, Span]:
    r"""Return the place of each arm's label, by the section of the arm. An arm without a label has
    an empty place.

    >>> from extractor.schemas import Part, Section, Source
    >>> arm = Section(
    ...     name="arms[0]",
    ...     text="High\nEXPERIMENTAL",
    ...     parts=(Part(name="label", start=0, end=4),),
    ... )
    >>> locate_arms(
    ...     TrialRecord(
    ...         record_id="a", source=Source(path="a", format="flat"), sections=(arm,)
    ...     )
    ... )
    {'arms[0]': Span(section='arms[0]', start=0, end=4)}
    """
    places: dict[str, Span] = {}
    for section in record.sections:
        if not section.name.startswith("arms["):
            continue
        label = next((part for part in section.parts if part.name == "label"), None)
        start = label.start if label else 0
        text = section.text[start : label.end] if label else ""
        start += len(text) - len(text.lstrip())
        places[section.name] = Span(section.name, start, start + len(text.strip()))
    return places


@dataclass(frozen=True)
class Arms:
    """The arms of a record: the places of their labels, and the sections of arms of each
    intervention.

    ``texts`` are the sections that can state doses, by name.
    """

    labels: Mapping[str, Span]
    links: Mapping[str, Sequence[str]]
    texts: Mapping[str, DosingSection]
    lexicon: AgentNames

    def read(self, given: Mapping[str, str]) -> Reading[tuple[str, ...]]:
        """Return the labels of the arms that get a regimen, as sure as the least sure of their
        cases. ``given`` has the case of each arm; without any, the absence is a case itself.
        """
        cases = list(given.values())
        if not cases:
            cases = ["no arm" if self.labels else "no list of arms"]
        confidence = min(measured("arms", case) for case in cases)
        return self.cite(given, confidence)

    def cite(
        self, arms: Collection[str], confidence: float
    ) -> Reading[tuple[str, ...]]:
        """Return the labels of arms, each once and in the order of the record, with their places.
        Arms without a label are left out.
        """
        spans: dict[str, Span] = {}
        for arm, span in self.labels.items():
            if arm in arms and span.length:
                spans[self.label(arm)] = span
        return Reading(tuple(spans), confidence, tuple(spans.values()), Support.PARSED)

    def label(self, arm: str) -> str:
        """Return the label of an arm, as the record writes it."""
        span = self.labels[arm]
        return self.texts[arm].read.raw[span.start : span.end]

    def find(self, statement: Statement, others: Sequence[Statement]) -> dict[str, str]:
        """Return the arms that get a regimen, each with the case of what says so, in the order of
        the record. ``others`` are the other regimens of its agent.
        """
        if len(self.labels) == 1:
            return dict.fromkeys(self.labels, "the only arm")
        own = self.list_stating(statement)
        of_others: set[str] = set()
        for other in others:
            of_others |= self.list_stating(other)
        cases: dict[str, str] = {}
        for arm in self.labels:
            case = self._name_case(arm, statement, own, of_others, len(others))
            if case:
                cases[arm] = case
        return cases

    def _name_case(
        self,
        arm: str,
        statement: Statement,
        own: Set[str],
        of_others: Set[str],
        others: int,
    ) -> str | None:
        """Return the case of what says that an arm gets a regimen; None if it does not. ``own`` are
        the arms whose text states it, ``of_others`` those whose text states another of the
        ``others``.
        """
        agent = statement.agent
        registered = self.list_registered(agent.key)
        # the registry says who gets it
        if registered and arm not in registered:
            return None
        if arm in own:
            return "own text, linked" if registered else "own text"
        is_of_another = arm in of_others or self.is_denied(arm, agent.key)
        if is_of_another or self._gets_instead(arm, agent, own):
            return None
        linked = self._list_linked(statement)
        if others:
            is_known = arm in linked or not (own or linked)
            return "one of several regimens" if registered and is_known else None
        return (
            "linked, with a dose" if arm in linked else self._name_mention(arm, agent)
        )

    def _name_mention(self, arm: str, agent: Agent) -> str | None:
        """Return the case of an arm for which nothing but its text and the registry's links
        speaks; None if neither does.
        """
        is_named = arm in self.list_naming(agent.key)
        if self.list_registered(agent.key):
            return "linked, named" if is_named else "linked"
        return "named" if is_named else None

    def _gets_instead(self, arm: str, agent: Agent, own: Set[str]) -> bool:
        """Return whether an arm gets something instead of an agent: a placebo, or where texts of
        arms state the regimen, what its own text names.
        """
        if self._gets_placebo(arm, agent):
            return True
        return bool(own) and self._gets_another(arm, agent)

    def _gets_another(self, arm: str, agent: Agent) -> bool:
        """Return whether an arm's own text names other agents, and not this one."""
        named = self.list_named(arm)
        return bool(named) and agent.key not in named

    def list_stating(self, statement: Statement) -> set[str]:
        """Return the arms whose own text states a regimen."""
        return {
            part.section
            for part in list_parts(statement)
            if part.section in self.labels and not self._may_switch(part)
        }

    def _may_switch(self, part: Statement) -> bool:
        """Return whether an arm's text says what its participants may get later: "may cross over
        to". What an experimental arm states is what it studies.
        """
        if "experimental" in self.texts[part.section].type:
            return False
        clause = part.clause
        return rule("may_switch").occurs(clause.tokens, clause.first, clause.end)

    def _list_linked(self, statement: Statement) -> set[str]:
        """Return the arms of the interventions whose text states a regimen."""
        linked: set[str] = set()
        for part in list_parts(statement):
            linked.update(self.links.get(part.section, ()))
        return linked

    def _gets_placebo(self, arm: str, agent: Agent) -> bool:
        """Return whether an arm gets a placebo instead of an agent: it is registered as one of
        placebo, its text does not name the agent, and no intervention of it is a placebo.
        """
        text = self.texts[arm]
        if agent.kind == "placebo" or arm in self.list_naming(agent.key):
            return False
        if not any(word in text.type for word in _WITHOUT_DRUG):
            return False
        return arm not in self.list_registered("placebo")

    def list_registered(self, agent: str) -> Set[str]:
        """Return the arms of all interventions whose name mentions an agent, by its key; those of
        any placebo for "placebo".
        """
        return self._registered.get(agent, frozenset())

    @cached_property
    def _registered(self) -> Mapping[str, Set[str]]:
        arms_of: dict[str, set[str]] = {}
        for name, arms in self.links.items():
            text = self.texts.get(name)
            for mention in self.lexicon.find(text) if text else ():
                if text and mention.first < text.title[1]:
                    arms_of.setdefault(mention.value.key, set()).update(arms)
                    arms_of.setdefault(mention.value.kind, set()).update(arms)
        return arms_of

    def list_naming(self, agent: str) -> Set[str]:
        """Return the arms whose own text names an agent as given."""
        return {arm for arm, keys in self._given.items() if agent in keys}

    def is_denied(self, arm: str, agent: str) -> bool:
        """Return whether an arm's own text names an agent, and never as given."""
        return agent in self.list_named(arm) and agent not in self._given[arm]

    def list_named(self, arm: str) -> Set[str]:
        """Return the keys of the agents that an arm's own text names."""
        return {mention.value.key for mention in self.lexicon.find(self.texts[arm])}

    @cached_property
    def _given(self) -> Mapping[str, Set[str]]:
        """The keys of the agents that each arm's own text names as given."""
        given: dict[str, Set[str]] = {}
        for arm in self.labels:
            text = self.texts[arm]
            mentions = self.lexicon.find(text)
            given[arm] = {one.value.key for one in mentions if _is_given(text, one)}
        return given

    def read_amounts(
        self, statement: Statement, levels: Sequence[Amount], given: Collection[str]
    ) -> Iterator[Amount]:
        """Yield the amounts ``levels`` of a regimen, with their arms where the own texts of its
        arms (``given``) state different ones.
        """
        arms_of: dict[Amount, list[str]] = {level: [] for level in levels}
        for arm in self.labels:
            if arm not in given:
                continue
            for level in self._list_levels(arm, statement):
                if level in arms_of:
                    arms_of[level].append(arm)
        differ = len({tuple(arms) for arms in arms_of.values()}) > 1
        for level in levels:
            if differ and all(arms_of.values()):
                labels = self.cite(arms_of[level], confidence=1).value
                yield replace_arms(level, labels)
            else:
                yield level

    def _list_levels(self, arm: str, statement: Statement) -> Set[Amount]:
        """Return the amounts that an arm's own text, or else its interventions, state."""
        stated: set[Amount] = set()
        linked: set[Amount] = set()
        for part in list_parts(statement):
            if part.section == arm:
                stated.update(part.levels)
            if arm in self.links.get(part.section, ()):
                linked.update(part.levels)
        if stated:
            return stated
        marks = self.texts[arm].marks.amounts
        return {level for mark in marks for level in mark.value} or linked


def _is_given(text: DosingSection, mention: Mention) -> bool:
    """Return whether the words beside an agent in an arm's text leave it given: not "without"."""
    tokens = text.tokens
    before = rule("not_given_before").ends(
        tokens, mention.first, mention.first - _REACH
    )
    return before is None and not rule("not_given_after").starts(tokens, mention.end)


def list_parts(statement: Statement) -> Sequence[Statement]:
    """Return the statements that were merged into one, or itself."""
    return statement.parts or (statement,)


def replace_arms(amount: Amount, arms: tuple[str, ...]) -> Amount:
    """Return an amount that these arms get."""
    return amount.model_copy(update={"arms": arms})
