"""Read which arms get a regimen, and which of its amounts, from the arms' own texts, the registry's links, sentences.

The registry links interventions to arms. Such a link gives no quote, but it says whose arms an intervention is for. An
arm's own text says more where it states a dose or that an agent is not given.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from extractor.schemas import Amount, Support, TrialRecord
from extractor.stages.parse.drafts import Reading, Span
from extractor.stages.parse.scoring import measured
from extractor.text.book import rule

from .agents import AgentNames, Mention
from .clauses import Statement
from .sections import DosingSection

_REACH = 6
"""How many tokens beside an agent can say that it is not given."""


def list_arms(record: TrialRecord) -> dict[str, Span]:
    """Return the place of each arm's label, by the section of the arm. An arm without a label has an empty place.

    >>> from extractor.schemas import Part, Section, Source
    >>> arm = Section(name="arms[0]", text="High\\nEXPERIMENTAL", parts=(Part(name="label", start=0, end=4),))
    >>> list_arms(TrialRecord(record_id="a", source=Source(path="a", format="flat"), sections=(arm,)))
    {'arms[0]': Span(section='arms[0]', start=0, end=4)}
    """
    found: dict[str, Span] = {}
    for section in record.sections:
        if section.name.startswith("arms["):
            start, end = next(((part.start, part.end) for part in section.parts if part.name == "label"), (0, 0))
            label = section.text[start:end]
            start += len(label) - len(label.lstrip())
            found[section.name] = Span(section.name, start, max(start, start + len(label.strip())))
    return found


@dataclass(frozen=True)
class Arms:
    """The arms of a record: the places of their labels, and the sections of arms of each intervention.

    ``texts`` are the sections that can state doses, by name.
    """

    labels: Mapping[str, Span]
    links: Mapping[str, Sequence[str]]
    texts: Mapping[str, DosingSection]
    lexicon: AgentNames

    def read(self, one: Statement, same: Sequence[Statement]) -> Reading[tuple[str, ...]]:
        """Return the labels of the arms that get a regimen; ``same`` are all regimens of its agent."""
        cases = self.find(one, same)
        case = min(cases.values(), key=lambda each: measured("arms", each)) if cases else "no arm"
        if not self.labels:
            case = "no list of arms"
        return self.cite(cases, measured("arms", case))

    def cite(self, arms: Collection[str], confidence: float) -> Reading[tuple[str, ...]]:
        """Return the labels of arms, each once, with their places."""
        spans = {self.label(arm): span for arm, span in self.labels.items() if arm in arms and span.length}
        return Reading(tuple(spans), confidence, tuple(spans.values()), Support.PARSED)

    def label(self, arm: str) -> str:
        """Return the label of an arm, as the record writes it."""
        span = self.labels[arm]
        return self.texts[arm].read.raw[span.start : span.end]

    def find(self, one: Statement, same: Sequence[Statement]) -> dict[str, str]:
        """Return the arms that get a regimen, each with the case of what says so, in the order of the record."""
        if len(self.labels) == 1:
            return dict.fromkeys(self.labels, "the only arm")
        stated, linked, registered = self.list_stated(one), self.list_linked(one), self.list_registered(one.agent.key)
        others = [each for each in same if each is not one]
        own = {arm for each in others for arm in self.list_stated(each)}
        theirs = own.union(*(self.list_linked(each) for each in others))
        named, denied = self.find_named(one.agent.key)
        cases: dict[str, str] = {}
        for arm in self.labels:
            if arm in stated:
                cases[arm] = "own text, linked" if arm in registered else "own text"
            elif arm in denied:
                continue
            elif arm in linked and not (stated and arm in own):
                cases[arm] = "linked, one of several" if arm in theirs else "linked, with a dose"
            elif arm not in theirs and arm in registered:
                cases[arm] = "linked, named" if arm in named else "linked"
            elif arm not in theirs and arm in named:
                cases[arm] = "named, not linked" if registered else "named"
        return cases or self.find_described(one)

    def list_stated(self, one: Statement) -> set[str]:
        """Return the arms whose own text states the regimen."""
        return {part.section for part in one.parts or (one,) if part.section in self.labels and not self._may(part)}

    def list_linked(self, one: Statement) -> set[str]:
        """Return the arms of the interventions whose text states the regimen."""
        return {arm for part in one.parts or (one,) for arm in self.links.get(part.section, ())}

    def list_registered(self, agent: str) -> set[str]:
        """Return the arms of all interventions that an agent names."""
        return {
            arm
            for name, arms in self.links.items()
            if (text := self.texts.get(name))
            if any(m.value.key == agent and m.first < text.title[1] for m in self.lexicon.find(text))
            for arm in arms
        }

    def find_named(self, agent: str) -> tuple[set[str], set[str]]:
        """Return the arms whose own text names an agent, and those whose text only says that it is not given there."""
        named, denied = set[str](), set[str]()
        for arm in self.labels:
            text = self.texts[arm]
            uses = [self._gives(text, one) for one in self.lexicon.find(text) if one.value.key == agent]
            (named if any(uses) else denied).update([arm] if uses else [])
        return named, denied

    def find_described(self, one: Statement) -> dict[str, str]:
        """Return the arms that the sentences of a regimen name, all for "both groups"."""
        for part in one.parts or (one,):
            tokens, first, end = part.clause.tokens, part.clause.first, part.clause.end
            if not self.texts[part.section].is_group and rule("in_all_arms").search(tokens, first, end):
                return dict.fromkeys(self.labels, "sentence")
        return {}

    def _may(self, part: Statement) -> bool:
        """Return whether a statement of an arm's text is what its participants may switch to."""
        text, clause = self.texts[part.section], part.clause
        return "experimental" not in text.type and bool(rule("may_switch").search(clause.tokens, clause.first, clause.end))

    def _gives(self, text: DosingSection, mention: Mention) -> bool:
        """Return whether an arm's text says of an agent that it is given."""
        tokens, (first, end) = text.tokens, (mention.first, mention.end)
        if rule("not_given_before").ends(tokens, first, max(0, first - _REACH)) or rule("not_given_after").starts(
            tokens, end
        ):
            return False
        place = next((each for each in text.clauses if each[0] <= first < each[1]), None)
        return "experimental" in text.type or not (place and rule("may_switch").search(tokens, *place))

    def read_amounts(self, one: Statement, levels: Iterable[Amount], given: Collection[str]) -> Iterator[Amount]:
        """Yield the amounts of a regimen, with the labels of their arms where the arms that get it differ in them."""
        levels = list(levels)
        own = {arm: self._list_levels(arm, one, levels) for arm in self.labels if arm in given}
        linked: dict[str, set[Amount]] = {}
        for part in one.parts or (one,):
            for arm in self.links.get(part.section, ()):
                linked.setdefault(arm, set()).update(part.levels)
        gets = {arm: said or linked.get(arm, set()) for arm, said in own.items()}
        places = {level: [arm for arm in gets if level in gets[arm]] for level in levels}
        differ = len(levels) > 1 and all(places.values()) and any(len(arms) < len(own) for arms in places.values())
        for level in levels:
            yield replace_arms(level, self.cite(places[level], 1).value) if differ else level

    def _list_levels(self, arm: str, one: Statement, levels: Sequence[Amount]) -> set[Amount]:
        """Return the amounts of a regimen that an arm's own text states."""
        stated = {level for part in one.parts or (one,) if part.section == arm for level in part.levels}
        text = self.texts[arm]
        return stated or {level for mark in text.marks.amounts for level in mark.value if level in levels}


def replace_arms(amount: Amount, arms: tuple[str, ...]) -> Amount:
    """Return an amount that these arms get."""
    return amount.model_copy(update={"arms": arms})
