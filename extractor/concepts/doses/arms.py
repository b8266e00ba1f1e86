"""Read which arms get a regimen and each of its amounts: from their own texts, the registry's links
and sentences.

The registry links interventions to arms. A link gives no quote, but it says which arms get an
intervention. An arm's own text says more where it states a dose, or that an agent is not given.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from extractor.concepts.doses.agents import Agent, AgentNames
from extractor.concepts.doses.arm_sentences import ArmSentences
from extractor.concepts.doses.arm_uses import ArmUses, Use, may_switch
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.sections import DosingSection
from extractor.evidence.drafts import Reading, Span
from extractor.evidence.scoring import measured
from extractor.schemas import Amount, Support, TrialRecord

Claims = tuple[Counter[str], Counter[str]]
"""By arm: how many regimens of an agent its own text states, and how many its linked
interventions state.
"""


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
        labels = [part for part in section.parts if part.name == "label"]
        start = 0
        label = ""
        if labels:
            start = labels[0].start
            label = section.text[start : labels[0].end]
        start += len(label) - len(label.lstrip())
        end = start + len(label.strip())
        places[section.name] = Span(section.name, start, end)
    return places


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a record says of the arms of a regimen. An arm goes by the name of its section.

    ``stated`` are the arms whose own text states it, ``linked`` those of the interventions that
    do, ``registered`` those of all interventions that name its agent. ``own`` are the arms whose
    text states another regimen of the agent, ``theirs`` those that get another one in any way.
    ``uses`` says how the texts of arms use the agent, ``replaced`` are the arms that get a placebo
    or another agent instead of it. ``is_unnamed_placebo``: it is a placebo that no intervention is
    named after.
    """

    stated: Set[str]
    linked: Set[str]
    registered: Set[str]
    own: Set[str]
    theirs: Set[str]
    uses: Mapping[str, Use]
    replaced: Set[str]
    is_unnamed_placebo: bool

    def list_possible(self) -> Set[str]:
        """Return the arms that may get the regimen: all that the record connects with the agent,
        but for those that get something instead or, where texts of arms state this regimen, state
        another one.
        """
        named = {*self.linked, *self.registered, *self.theirs, *self.uses}
        # if something replaces the agent in all of them, it replaces it in none
        possible = named - self.replaced or named
        if not self.stated:
            return possible
        # an arm that states another regimen gets that one
        return self.stated | (possible - self.own)

    def name_case(self, arm: str) -> str | None:
        """Return the case of what says that an arm gets the regimen; None if it does not."""
        use = self.uses.get(arm, Use.NONE)
        is_linked_elsewhere = bool(self.registered) and arm not in self.registered
        # "placebo identical to examplumab 10 mg"
        if is_linked_elsewhere and use is not Use.ALONE:
            return None
        if arm in self.stated:
            return self._name_own_text(arm)
        if use is Use.DENIED:
            return None
        if self.is_unnamed_placebo and use is Use.NONE:
            return None
        if self._states_other(arm):
            return None
        gets_other = arm in self.theirs
        if is_linked_elsewhere:
            return None if gets_other else self._name_mention(arm, use)
        if gets_other and not self._is_stated_elsewhere(arm):
            return "one of several regimens"
        if arm in self.linked:
            if arm in self.registered:
                return "linked, with a dose"
            return "linked by another intervention"
        return None if gets_other else self._name_mention(arm, use)

    def _name_own_text(self, arm: str) -> str:
        """Return the case of an arm whose own text states the regimen: by whether the registry
        links the agent to it, or links it to other arms alone, or links it to none.
        """
        if not self.registered:
            return "own text"
        if arm in self.registered:
            return "own text, linked"
        return "own text, not linked"

    def _states_other(self, arm: str) -> bool:
        """Return whether the arm's own text states another regimen, and this one is stated
        elsewhere: by the text of an arm, or by interventions of other arms.
        """
        if arm not in self.own:
            return False
        is_of_other_arms = bool(self.linked) and arm not in self.linked
        return bool(self.stated) or is_of_other_arms

    def _is_stated_elsewhere(self, arm: str) -> bool:
        """Return whether other arms' texts or interventions state the regimen, and not this
        arm's.
        """
        return bool(self.stated or self.linked) and arm not in self.linked

    def _name_mention(self, arm: str, use: Use) -> str | None:
        """Return the case of an arm for which nothing but its text and the registry's links
        speaks.
        """
        if arm in self.registered:
            return "linked" if use is Use.NONE else "linked, named"
        if use is Use.NONE:
            return None
        return "named, not linked" if self.registered else "named"


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

    def count(self, same: Iterable[Statement]) -> Claims:
        """Count the regimens of an agent that each arm's own text states, and those that its
        interventions state.
        """
        stated = Counter[str]()
        linked = Counter[str]()
        for statement in same:
            stated.update(self.list_stated(statement))
            linked.update(self.list_linked(statement))
        return stated, linked

    def find(self, statement: Statement, claims: Claims) -> dict[str, str]:
        """Return the arms that get a regimen, each with the case of what says so, in the order of
        the record. A single arm gets everything; arms that only a sentence of a description names
        count where nothing else says who gets the regimen.

        ``claims`` are those of all regimens of its agent.
        """
        if len(self.labels) == 1:
            return dict.fromkeys(self.labels, "the only arm")
        evidence = self._collect(statement, claims)
        possible = evidence.list_possible()
        cases: dict[str, str] = {}
        for arm in self.labels:
            case = evidence.name_case(arm) if arm in possible else None
            if case:
                cases[arm] = case
        return cases or self._find_described(statement)

    def _collect(self, statement: Statement, claims: Claims) -> _Evidence:
        """Return what the record says of the arms of a regimen."""
        agent = statement.agent
        stated = self.list_stated(statement)
        linked = self.list_linked(statement)
        registered = self.list_registered(agent.key)
        in_texts, in_links = claims
        own = _list_with_others(in_texts, stated)
        others = _list_with_others(in_links, linked)
        uses = self._uses.list_uses(agent.key)
        # A placebo that only another intervention's text names is given in the arms that name a
        # placebo.
        is_unnamed = agent.kind == "placebo" and not registered and bool(uses)
        return _Evidence(
            stated=stated,
            linked=linked,
            registered=registered,
            own=own,
            theirs=own | others,
            uses=uses,
            replaced=self._list_replaced(agent),
            is_unnamed_placebo=is_unnamed,
        )

    def _list_replaced(self, agent: Agent) -> Set[str]:
        """Return the arms that get a placebo or another agent instead of this one."""
        key = agent.key, agent.kind
        if key not in self._replaced:
            self._replaced[key] = set(self._find_replaced(agent))
        return self._replaced[key]

    def _find_replaced(self, agent: Agent) -> Iterator[str]:
        """Yield the arms that get a placebo or another agent instead of this one."""
        uses = self._uses.list_uses(agent.key)
        for arm in self.labels:
            if uses.get(arm, Use.NONE) is Use.ALONE:
                continue
            if self._gets_placebo(arm, agent) or self._gets_other(arm, agent, uses):
                yield arm

    @cached_property
    def _replaced(self) -> dict[tuple[str, str], Set[str]]:
        """The arms that get something else, by the key and kind of the agent. They are found once
        for all of its regimens, so that time stays linear.
        """
        return {}

    def _gets_placebo(self, arm: str, agent: Agent) -> bool:
        """Return whether an arm gets a placebo of the agent instead of it: it is registered as a
        placebo or sham arm, and no intervention of it names a placebo without naming the agent. The
        agent's intervention is then registered for both.
        """
        if agent.kind == "placebo":
            return False
        kind = self.texts[arm].type
        if "placebo" not in kind and "sham" not in kind:
            return False
        for named in self._list_interventions(arm):
            if "placebo" in named.values() and agent.key not in named:
                return False
        return True

    def _gets_other(self, arm: str, agent: Agent, uses: Mapping[str, Use]) -> bool:
        """Return whether an arm's own text names another agent of a shared intervention ("A or B"),
        and that of another arm this one. ``uses`` are those of this agent.
        """
        if arm in uses or Use.ALONE not in uses.values():
            return False
        has_shared = False
        for named in self._list_interventions(arm):
            if agent.key not in named:
                continue
            has_shared = True
            if not any(self.find_use(arm, key) is Use.ALONE for key in named):
                return False
        return has_shared

    def _list_interventions(self, arm: str) -> Iterator[Mapping[str, str]]:
        """Yield the agents that each intervention of an arm names, as kinds by key."""
        for name, arms in self.links.items():
            text = self.texts.get(name)
            if text is None or arm not in arms:
                continue
            agents = [mention.value for mention in self.lexicon.find(text)]
            yield {agent.key: agent.kind for agent in agents}

    def list_stated(self, statement: Statement) -> set[str]:
        """Return the arms whose own text states the regimen."""
        stated: set[str] = set()
        for part in list_parts(statement):
            arm = part.section
            if arm in self.labels and not may_switch(part, self.texts[arm]):
                stated.add(arm)
        return stated

    def list_linked(self, statement: Statement) -> set[str]:
        """Return the arms of the interventions whose text states the regimen."""
        linked: set[str] = set()
        for part in list_parts(statement):
            linked.update(self._list_linked(part))
        return linked

    def _list_linked(self, part: Statement) -> Collection[str]:
        """Return the arms of an intervention, or those of them that a clause of its text names:
        "Cohort 1: 5 mg".
        """
        linked = self.links.get(part.section, ())
        if len(linked) < 2:
            return linked
        named = self._sentences.find_labelled(part.clause)
        return [arm for arm in linked if arm in named] or linked

    def list_registered(self, agent: str, *, whole: bool = False) -> Set[str]:
        """Return the arms of all interventions whose name mentions an agent; with ``whole``, also
        of those whose description does.
        """
        arms_of = self._registered_in_whole if whole else self._registered
        return arms_of.get(agent, frozenset())

    @cached_property
    def _registered(self) -> Mapping[str, Set[str]]:
        """The arms of the interventions whose name mentions an agent, by its key."""
        return self._list_arms_of_agents(by_name=True)

    @cached_property
    def _registered_in_whole(self) -> Mapping[str, Set[str]]:
        """The arms of the interventions whose text mentions an agent, by its key."""
        return self._list_arms_of_agents(by_name=False)

    def _list_arms_of_agents(self, *, by_name: bool) -> Mapping[str, Set[str]]:
        """Return the arms that the registry links to the interventions that mention an agent, by
        its key; ``by_name``: only in their name.
        """
        arms_of = defaultdict[str, set[str]](set)
        for name, arms in self.links.items():
            text = self.texts.get(name)
            if text is None:
                continue
            for mention in self.lexicon.find(text):
                is_in_name = mention.first < text.title[1]
                if is_in_name or not by_name:
                    arms_of[mention.value.key].update(arms)
        return arms_of

    def find_use(self, arm: str, agent: str) -> Use:
        """Return how an arm's own text uses an agent."""
        return self._uses.list_uses(agent).get(arm, Use.NONE)

    @cached_property
    def _uses(self) -> ArmUses:
        return ArmUses([*self.labels], self.texts, self.lexicon)

    @cached_property
    def _sentences(self) -> ArmSentences:
        return ArmSentences({arm: self.label(arm) for arm in self.labels}, self.texts)

    def _find_described(self, statement: Statement) -> dict[str, str]:
        """Return the arms that the sentences of a regimen name."""
        named: set[str] = set()
        for part in list_parts(statement):
            # an arm or intervention speaks of itself
            if not self.texts[part.section].is_group:
                named.update(self._sentences.find_named(part.clause))
        return {arm: "sentence" for arm in self.labels if arm in named}

    def read_amounts(
        self, statement: Statement, levels: Sequence[Amount], given: Collection[str]
    ) -> Iterator[Amount]:
        """Yield the amounts ``levels`` of a regimen. They have their arms where the arms of the
        regimen (``given``) get different amounts, or where the own text of an arm names the agent
        without any amount; but none has arms if no arm is known to get some of them.
        """
        arms_of: dict[Amount, list[str]] = {level: [] for level in levels}
        lacks_amount = False
        for arm in self.labels:
            if arm not in given:
                continue
            own = self._list_levels(arm, statement, levels)
            for level, arms in arms_of.items():
                if level in own:
                    arms.append(arm)
            if not own and self.find_use(arm, statement.agent.key) is not Use.NONE:
                # "fictumab 5 mg" of one cohort is not that of the next, which gets "fictumab
                # (additional dose 1)"
                lacks_amount = True
        is_split = len({tuple(arms) for arms in arms_of.values()}) > 1
        differ = is_split or lacks_amount
        has_arms = all(arms_of.values())
        for level in levels:
            if differ and has_arms:
                labels = self.cite(arms_of[level], confidence=1).value
                yield replace_arms(level, labels)
            else:
                yield level

    def _list_levels(
        self, arm: str, statement: Statement, levels: Sequence[Amount]
    ) -> Set[Amount]:
        """Return the amounts that an arm gets: those that its own text states of the regimen,
        else any of them in its text, else those of its interventions.
        """
        stated: set[Amount] = set()
        linked: set[Amount] = set()
        for part in list_parts(statement):
            if part.section == arm:
                stated.update(part.levels)
            if arm in self._list_linked(part):
                linked.update(part.levels)
        if stated:
            return stated
        marks = self.texts[arm].marks.amounts
        named = {level for mark in marks for level in mark.value if level in levels}
        return named or linked


def _list_with_others(claims: Counter[str], arms: Set[str]) -> Set[str]:
    """Return the arms with more claims of an agent's regimens than the one of this regimen, which
    is claimed for ``arms``.
    """
    with_others: set[str] = set()
    for arm, number in claims.items():
        own_claims = 1 if arm in arms else 0
        if number > own_claims:
            with_others.add(arm)
    return with_others


def list_parts(statement: Statement) -> Sequence[Statement]:
    """Return the statements that were merged into one, or itself."""
    return statement.parts or (statement,)


def replace_arms(amount: Amount, arms: tuple[str, ...]) -> Amount:
    """Return an amount that these arms get."""
    return amount.model_copy(update={"arms": arms})
