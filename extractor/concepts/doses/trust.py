"""How sure the fields of a regimen are: the share of right readings with such evidence.

Each function names the kind of a field's evidence, a case of ``measured`` in
``extractor.evidence.scoring``. The shares only rank; ``extractor.evidence.calibration`` turns them
into those of whole records.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from extractor.concepts.doses.amounts import is_volume_or_piece
from extractor.concepts.doses.clauses import Link, Statement, find_link, list_near
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.names import find_general
from extractor.concepts.doses.rhythms import STEP, name_rhythm
from extractor.concepts.doses.sections import FIELDS, DosingSection
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.schemas import Amount, Frequency

_SIGNS = {"cycle": "cycle_word", "length": "duration"}
"""Rules that find words about a field even if no value was read."""
_SETTINGS = frozenset({"%", "Hz"})
"""Units of a mixture or a device that say little of what is given."""


def list_stated(sections: Iterable[DosingSection]) -> frozenset[str]:
    """Return the kinds of findings that are stated anywhere in a record, or of which it has
    words, be they read or not.
    """
    stated: set[str] = set()
    for section in sections:
        for name in ("amounts", *FIELDS):
            if getattr(section.marks, name):
                stated.add(name)
        for name, sign in _SIGNS.items():
            if name in stated:
                continue
            if rule(sign).search(section.tokens):
                stated.add(name)
    return frozenset(stated)


_MOST_DAYS_IN_A_ROW = 28
"""Days from which on a range may only say how long: "600 mg on days 1-43"."""


@dataclass(frozen=True)
class Trust:
    """How sure the fields of one statement's regimen are.

    ``stated`` names the kinds of findings anywhere in the record.
    """

    statement: Statement
    sections: Mapping[str, DosingSection]
    stated: Collection[str]

    def link(self, name: str, fact: Fact) -> Link:
        """Return the link of a fact to the agent."""
        return find_link(self.statement, name, fact, self.sections)

    def is_borrowed(self, fact: Fact) -> bool:
        """Return whether a description states a fact that is perhaps another agent's: "added to
        inhaled budesonide". Facts of arms and interventions, and of the agent's own section, are
        not borrowed.
        """
        if fact.section in {self.statement.section, self.statement.agent.section}:
            return False
        if self.sections[fact.section].is_group:
            return False
        homes = [part for part in self.statement.parts if part.holds(fact)]
        # a clause of its own: "Treatment repeats for up to 6 courses."
        if not homes:
            return False
        return all(_is_beyond_another(home, fact) for home in homes)

    def of_fact(self, name: str, fact: Fact) -> float:
        """Return the confidence of a field that a fact states, by the place of the fact. ``name``
        is the kind of finding; days and moments are both the timing.
        """
        field = "timing" if name in {"days", "moment"} else name
        confidence = measured(field, self.link(name, fact))
        # "through week 24", "for 5/7"; the lengths of steps are weighed elsewhere
        if name == "length" and fact.confidence != STEP:
            return min(confidence, fact.confidence)
        return confidence

    def of_nothing(self, name: str) -> float:
        """Return the confidence that a field is not stated, by what else could state it: words in
        the clause, a finding anywhere in the record, or nothing.
        """
        if self._has_sign(name):
            return measured("regimen", "in clause")
        if name in self.stated:
            return measured("regimen", "in record")
        return measured("regimen", "nowhere")

    def _has_sign(self, name: str) -> bool:
        """Return whether the clause has words about a field, read or not."""
        if list_near(self.statement, name):
            return True
        if name not in _SIGNS:
            return False
        clause = self.statement.clause
        sign = rule(_SIGNS[name])
        return sign.search(clause.tokens, clause.first, clause.end) is not None

    def of_amounts(self, levels: Sequence[Amount]) -> float:
        """Return the confidence of the amounts, the least of what is doubtful about them."""
        if not levels:
            return self.of_nothing("amounts")
        return min(measured("amounts", case) for case in self.name_amounts(levels))

    def name_amounts(self, levels: Sequence[Amount]) -> list[str]:
        """Return the cases of the amounts that were read."""
        stated = self.statement.amounts
        cases = [str(self.link("amounts", stated[0]))]
        # an amount that may be another agent's, or whose number has two readings
        if any(fact.confidence < 1 for fact in stated):
            cases.append("doubtful")
        if len(levels) > 1:
            cases.append("several levels")
        if any(says_little(level.unit) for level in levels):
            cases.append("volume or pieces")
        return cases

    def of_frequency(self) -> float:
        """Return the confidence of a frequency that was read."""
        share = min(measured("frequency", case) for case in self.name_frequency())
        coded = self.statement.frequency
        return min(share, coded.confidence) if coded else share

    def name_frequency(self) -> list[str]:
        """Return the cases of a frequency that was read."""
        coded = self.statement.frequency
        if coded is None:
            return [self._name_days()]
        return [self._name_wording(coded)]

    def _name_wording(self, coded: Fact) -> str:
        """Return the case of a stated frequency: how it is worded if it is beside the dose, or else
        where it stands. A "once" that more follows is a rival of what follows.
        """
        statement = self.statement
        tokens = self.sections[coded.section].tokens
        # "a loading dose, then 5 mg for 2 months"
        if coded.value is Frequency.ONCE and self._goes_on(coded, tokens):
            return "rivals"
        rhythm = name_rhythm(tokens, coded)
        link = self.link("frequency", coded)
        if link is not Link.BESIDE:
            is_full = rhythm in {"words", "interval"}
            return f"{link}, in full" if is_full else link
        if any(_contains(fact, coded) for fact in statement.amounts):
            return "rate"
        if rule("changed_dose").search(tokens, *statement.reach):
            return "beside a change"
        return rhythm

    def _goes_on(self, coded: Fact, tokens: Tokens) -> bool:
        """Return whether more follows a single dose."""
        if self.statement.length:
            return True
        end = max(coded.end, self.statement.clause.end)
        return rule("given_again").search(tokens, coded.first, end) is not None

    def _name_days(self) -> str:
        """Return the case of a frequency that follows from days, a moment or a rate."""
        listed = self.statement.days
        if listed is None:
            return "moment or rate"
        if len(listed.value) > _MOST_DAYS_IN_A_ROW:
            return "listed days elsewhere"
        if len(listed.value) > 1:
            is_beside = self.link("days", listed) is Link.BESIDE
            return "listed days" if is_beside else "listed days elsewhere"
        return "day of a cycle" if self.statement.cycle else "one day"


def _is_beyond_another(statement: Statement, fact: Fact) -> bool:
    """Return whether a clause names another agent between a statement's own and a fact. A placebo
    is given like what stands beside it, and counts as no other agent.
    """
    mention = statement.mention
    if mention is None or statement.agent.kind == "placebo":
        return False
    # the tokens between name and fact, whichever comes first
    first = min(mention.end, fact.end)
    end = max(mention.first, fact.first)
    clause = statement.clause
    kinds = {kind for kind, *_ in find_general(clause.tokens, first, end)}
    for other in clause.named:
        if other.value.key == statement.agent.key:
            continue
        if first <= other.first < end:
            kinds.add(other.value.kind)
    return bool(kinds - {"placebo"})


def _contains(outer: Fact, inner: Fact) -> bool:
    if outer.section != inner.section:
        return False
    return outer.first <= inner.first and inner.end <= outer.end


def says_little(unit: str) -> bool:
    """Return whether a unit tells nothing of how much substance is given."""
    return is_volume_or_piece(unit) or unit in _SETTINGS
