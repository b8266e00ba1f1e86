"""Read which arms get a regimen and each of its amounts: from their own texts, the registry's links
and sentences.

The registry links interventions to arms. A link gives no quote, but it says which arms get an
intervention. An arm's own text says more where it states a dose, or that an agent is not given.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from extractor.concepts.doses.agents import AgentNames, Mention
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.sections import DosingSection
from extractor.evidence.drafts import Reading, Span
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.schemas import Amount, Support, TrialRecord

Claims = tuple[Counter[str], Counter[str]]
"""By arm: how many regimens of an agent its own text states, and how many its linked
interventions state.
"""
_REACH = 6
"""How many tokens beside an agent can say that it is not given."""

_CONTROLS = ("placebo", "sham", "no_intervention")
"""Parts of the registered types of arms that get nothing of their own."""


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
    found: dict[str, Span] = {}
    for section in record.sections:
        if section.name.startswith("arms["):
            start, end = next(
                (
                    (part.start, part.end)
                    for part in section.parts
                    if part.name == "label"
                ),
                (0, 0),
            )
            label = section.text[start:end]
            start += len(label) - len(label.lstrip())
            found[section.name] = Span(
                section.name, start, max(start, start + len(label.strip()))
            )
    return found


class Use(IntEnum):
    """How an arm's own text uses an agent, the strongest last: not at all, as not given, beside
    others, given.
    """

    NONE, DENIED, BESIDE, ALONE = range(4)


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
        cases.
        """
        nothing = "no arm" if self.labels else "no list of arms"
        return self.cite(
            given, min(measured("arms", case) for case in given.values() or [nothing])
        )

    def cite(
        self, arms: Collection[str], confidence: float
    ) -> Reading[tuple[str, ...]]:
        """Return the labels of arms, each once, with their places."""
        spans = {
            self.label(arm): span
            for arm, span in self.labels.items()
            if arm in arms and span.length
        }
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
        for one in same:
            stated.update(self.list_stated(one))
            linked.update(self.list_linked(one))
        return stated, linked

    def find(self, one: Statement, claims: Claims) -> dict[str, str]:
        """Return the arms that get a regimen, each with the case of what says so, in the order of
        the record.

        ``claims`` are those of all regimens of its agent.
        """
        if len(self.labels) == 1:
            return dict.fromkeys(self.labels, "the only arm")
        stated = self.list_stated(one)
        linked = self.list_linked(one)
        registered = self.list_registered(one.agent.key)
        own = {arm for arm, number in claims[0].items() if number > (arm in stated)}
        theirs = own | {
            arm for arm, number in claims[1].items() if number > (arm in linked)
        }
        uses = self._uses.get(one.agent.key, {})
        # A placebo that only another intervention's text names is given in the arms that name a
        # placebo.
        unnamed = one.agent.kind == "placebo" and not registered and bool(uses)
        possible = {*linked, *registered, *theirs, *uses}
        # an arm that states another regimen gets that one
        possible = stated | (possible - own if stated else possible)
        cases: dict[str, str] = {}
        for arm in (arm for arm in self.labels if arm in possible):
            use = uses.get(arm, Use.NONE)
            lacks = bool(registered) and arm not in registered
            rows = (
                # "placebo identical to examplumab 10 mg"
                (
                    "",
                    lacks and use is not Use.ALONE,
                ),
                ("own text, not linked", arm in stated and lacks),
                ("own text, linked" if registered else "own text", arm in stated),
                ("", use is Use.DENIED or (unnamed and use is Use.NONE)),
                (
                    "",
                    bool(stated or linked)
                    and arm in own
                    and (arm not in linked or bool(stated)),
                ),
                (
                    "one of several regimens",
                    arm in theirs
                    and (arm in linked or not (stated or linked))
                    and not lacks,
                ),
                ("linked, with a dose", arm in linked and arm in registered),
                ("linked by another intervention", arm in linked and not lacks),
                ("", arm in theirs),
                ("linked, named", arm in registered and use is not Use.NONE),
                ("linked", arm in registered),
                ("named, not linked", use is not Use.NONE and lacks),
                ("named", use is not Use.NONE),
            )
            case = next((case for case, holds in rows if holds), "")
            cases |= {arm: case} if case else {}
        return cases or self.find_described(one)

    def list_stated(self, one: Statement) -> set[str]:
        """Return the arms whose own text states the regimen."""
        return {
            part.section
            for part in one.parts or (one,)
            if part.section in self.labels and not self._may(part)
        }

    def list_linked(self, one: Statement) -> set[str]:
        """Return the arms of the interventions whose text states the regimen."""
        return {
            arm
            for part in one.parts or (one,)
            for arm in self.links.get(part.section, ())
        }

    def list_registered(self, agent: str, *, whole: bool = False) -> Set[str]:
        """Return the arms of all interventions whose name, or whole text, names an agent."""
        return self._registered[whole].get(agent, frozenset())

    @cached_property
    def _registered(self) -> tuple[Mapping[str, Set[str]], Mapping[str, Set[str]]]:
        named = defaultdict[str, set[str]](set)
        whole = defaultdict[str, set[str]](set)
        for name, arms in self.links.items():
            text = self.texts.get(name)
            for mention in self.lexicon.find(text) if text else ():
                whole[mention.value.key].update(arms)
                if text and mention.first < text.title[1]:
                    named[mention.value.key].update(arms)
        return named, whole

    def find_use(self, arm: str, agent: str) -> Use:
        """Return how an arm's own text uses an agent."""
        return self._uses.get(agent, {}).get(arm, Use.NONE)

    @cached_property
    def _uses(self) -> Mapping[str, Mapping[str, Use]]:
        """How the own text of each arm uses an agent, by agent and arm."""
        found = defaultdict[str, dict[str, Use]](dict)
        for arm in self.labels:
            text = self.texts[arm]
            mentions = self.lexicon.find(text)
            titled = {
                one.value.key: one.value.kind
                for one in mentions
                if one.end <= text.title[1]
            }
            control = (
                any(word in text.type for word in _CONTROLS)
                or "placebo" in titled.values()
            )
            for one in mentions:
                use = self._read_use(text, one)
                if control and one.value.key not in titled:
                    use = min(use, Use.BESIDE)
                uses = found[one.value.key]
                uses[arm] = max(use, uses.get(arm, Use.NONE))
        return found

    def find_described(self, one: Statement) -> dict[str, str]:
        """Return the arms that the sentences of a regimen name: "Arm B adds examplumab"; all for
        "both groups".
        """
        found: dict[str, str] = {}
        for part in one.parts or (one,):
            tokens = part.clause.tokens
            first = part.clause.first
            end = part.clause.end
            if self.texts[part.section].is_group:
                continue
            groups = [
                at
                for at in rule("group_name").find(tokens, first, end)
                if rule("arm_word").starts(tokens, at.first)
            ]
            named = {
                name.casefold()
                for at in groups
                for name in (at.text, tokens.words[at.end - 1])
            }
            opens = [
                tokens.read(first, at).casefold()
                for at in range(first + 1, min(first + _REACH, end))
            ]
            named.update(words for words in opens if len(words) > 1)
            arms = [arm for arm, names in self._names.items() if names & named]
            if not arms and rule("in_all_arms").search(tokens, first, end):
                arms = [*self.labels]
            found |= dict.fromkeys(arms, "sentence")
        return {arm: found[arm] for arm in self.labels if arm in found}

    @cached_property
    def _names(self) -> Mapping[str, Set[str]]:
        """What a sentence can call each arm: its label, and the group in it ("Arm B" of "Arm B:
        examplumab").
        """
        names: dict[str, set[str]] = {}
        for arm in self.labels:
            text = self.texts[arm]
            groups = (
                found.text
                for found in rule("group_name").find(text.tokens, *text.title)
            )
            names[arm] = {
                name.casefold() for name in (self.label(arm), *groups) if name
            }
        return names

    def _may(self, part: Statement) -> bool:
        """Return whether a statement of an arm's text is what its participants may switch to."""
        text = self.texts[part.section]
        clause = part.clause
        if "experimental" in text.type:
            return False
        return bool(rule("may_switch").search(clause.tokens, clause.first, clause.end))

    def _read_use(self, text: DosingSection, mention: Mention) -> Use:
        """Return how the words around an agent in an arm's text use it."""
        tokens = text.tokens
        first = mention.first
        end = mention.end
        before = rule("not_given_before").ends(tokens, first, max(0, first - _REACH))
        if before or rule("not_given_after").starts(tokens, end):
            return Use.DENIED
        place = next(
            (each for each in text.clauses if each[0] <= first < each[1]), None
        )
        if (
            place
            and "experimental" not in text.type
            and rule("may_switch").search(tokens, *place)
        ):
            return Use.DENIED
        return (
            Use.BESIDE
            if place and rule("one_or_other").search(tokens, *place)
            else Use.ALONE
        )

    def read_amounts(
        self, one: Statement, levels: Iterable[Amount], given: Collection[str]
    ) -> Iterator[Amount]:
        """Yield the amounts of a regimen, with their arms where the arms of the regimen get
        different amounts.
        """
        levels = list(levels)
        own = {
            arm: self._list_levels(arm, one, levels)
            for arm in self.labels
            if arm in given
        }
        linked: dict[str, set[Amount]] = {}
        for part in one.parts or (one,):
            for arm in self.links.get(part.section, ()):
                linked.setdefault(arm, set()).update(part.levels)
        gets = {arm: said or linked.get(arm, set()) for arm, said in own.items()}
        places = {
            level: [arm for arm in gets if level in gets[arm]] for level in levels
        }
        differ = all(places.values()) and len(set(map(tuple, places.values()))) > 1
        for level in levels:
            yield (
                replace_arms(level, self.cite(places[level], 1).value)
                if differ
                else level
            )

    def _list_levels(
        self, arm: str, one: Statement, levels: Sequence[Amount]
    ) -> set[Amount]:
        """Return the amounts of a regimen that an arm's own text states."""
        stated = {
            level
            for part in one.parts or (one,)
            if part.section == arm
            for level in part.levels
        }
        text = self.texts[arm]
        return stated or {
            level
            for mark in text.marks.amounts
            for level in mark.value
            if level in levels
        }


def replace_arms(amount: Amount, arms: tuple[str, ...]) -> Amount:
    """Return an amount that these arms get."""
    return amount.model_copy(update={"arms": arms})
