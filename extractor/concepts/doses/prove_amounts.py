"""Check that the amounts of a model's regimen are its agent's.

An amount is refused with contrast only: the agent has another one in these words, and this one
stands where the text gives it to another agent, to another arm, or to what is no dose. All others
stay open.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.concepts.doses.amounts import choose_levels
from extractor.concepts.doses.answered import (
    READERS,
    AnsweredRegimen,
    Nearness,
    Stated,
)
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.equality import amount_in, is_same, kind_of
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.sections import DosingSection
from extractor.evidence.drafts import Refusal, Span
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.language.units import find_unit
from extractor.schemas import Amount, Frequency, Route

VAGUE = frozenset({Frequency.OTHER, Frequency.ONCE, Route.OTHER})
"""Values that say too little to contradict another one."""
_NAME_REACH = 4
"""How many tokens after an amount can begin the agent's name: "of the live MATA"."""
_UNIT_REACH = 2
"""How many tokens behind a number its unit can begin: "two more sachets"."""
_LEVELS = ("/dL", "/L")
"""What a level in blood is measured in, and no dose."""


@dataclass(frozen=True)
class AmountProof:
    """The proof of the amounts of one regimen."""

    regimen: AnsweredRegimen

    def judge(self, amount: Amount) -> Span | Refusal | None:
        """Return where the agent has an amount, why it is not the agent's, or None if the text
        leaves it open. Only the statements nearest to the regimen's words are asked.
        """
        stated = self.regimen.list_stated("amounts")
        near = [level for level in stated if level.place == stated[0].place]
        same = _find_same(amount, near)
        if same and same.mark.confidence == 1:
            return self._link(same)
        rivals: Sequence[Stated] = near
        if same:
            # an amount of another agent, perhaps; then the agent has one that is surely its own
            rivals = [
                level
                for level in near
                if level.one.mention and level.mark.confidence == 1
            ]
        if not rivals or rivals[0].place >= Nearness.ELSEWHERE:
            return None
        if self._can_be_beside(amount, rivals):
            return None
        return self.regimen.refuse(rivals[0].mark)

    def _can_be_beside(self, amount: Amount, rivals: Sequence[Stated]) -> bool:
        """Return whether an amount can be one of the agent's beside those that it has nearby
        (``rivals``): it meets one of them, the regimen has one of them too, or the text leaves open
        whose it is wherever the model's answer was found.
        """
        levels = [rival.value for rival in rivals]
        if _meets(amount, levels):
            return True
        # of several levels, the words near the quote state others
        if any(amount_in(answered, levels) for answered in self.regimen.amounts):
            return True
        if self._quotes_others_alone(amount, rivals):
            return False
        reading = self.regimen.draft.model["amounts"]
        for answered, place in zip(reading.list_values(), reading.spans, strict=True):
            if answered == amount and self._is_open_at(place, amount, levels):
                return True
        return False

    def _quotes_others_alone(self, amount: Amount, rivals: Sequence[Stated]) -> bool:
        """Return whether the words of the regimen state another amount of this kind, and none of
        those that it has: "20 mg in adolescents", with the 40 mg of the adults.
        """
        quote = self.regimen.quote
        quoted: list[Amount] = []
        for rival in rivals:
            if rival.place is not Nearness.HERE:
                continue
            if self.regimen.span(rival.mark).overlaps(quote):
                quoted.append(rival.value)
        if not any(kind_of(level) == kind_of(amount) for level in quoted):
            return False
        reading = self.regimen.draft.model["amounts"]
        if any(span.overlaps(quote) for span in reading.spans):
            return False
        return not any(amount_in(level, self.regimen.amounts) for level in quoted)

    def _is_open_at(
        self, place: Span, amount: Amount, levels: Sequence[Amount]
    ) -> bool:
        """Return whether the text gives an amount to nothing else at this place. ``levels`` are the
        amounts that the agent has nearby: without a statement that holds the amount, another one of
        their kind contradicts it.
        """
        section = self.regimen.text.sections.get(place.section)
        if section is None:
            return True
        tokens = section.tokens
        # "at most 80 mg"
        if _lie_over(section.others["amounts"], place, section):
            return False
        if amount.unit.endswith(_LEVELS):
            return False
        here = section.read.between(place.start, place.end)
        # "15 ± 3 mg/kg"
        if rule("tolerance_before").ends(tokens, here.first):
            return False
        # "500 mg on day 1, then 250"
        end = _find_unit_end(here, section)
        if end is None:
            return True
        marks = _lie_over(section.marks.amounts, place, section)
        first = marks[0].first if marks else here.first
        # "four drops twice daily, totalling 240 mcg per day" are no 240 mcg a dose
        if rule("sums_up").ends(tokens, first):
            return amount.unit.endswith("/day")
        # as in "two tablets of 3 mg (6 mg)"
        if tokens.words[first - 1 : first] == ["("]:
            return True
        is_contrary = any(kind_of(amount) == kind_of(level) for level in levels)
        holders = self._list_holders(marks)
        if holders:
            return any(
                self._can_hold(statement, fact, is_contrary=is_contrary)
                for statement, fact in holders
            )
        if is_contrary or amount.unit == "%":
            return False
        return not self._is_of_other(first, end, section)

    def _is_of_other(self, first: int, end: int, section: DosingSection) -> bool:
        """Return whether another agent is named directly beside an amount at ``first:end``, or the
        words "of ..." behind it name nothing of the agent: "5 mg of fictizide".
        """
        tokens = section.tokens
        own = set(self.regimen.key.split())
        behind = {word.lower() for word in tokens.words[end : end + _NAME_REACH]}
        if rule("other_agent").starts(tokens, end) and own.isdisjoint(behind):
            return True
        for mention in self.regimen.text.lexicon.find(section):
            if mention.value.key == self.regimen.key:
                continue
            if mention.end == first or mention.first - end in (0, 1):
                return True
        return False

    def _list_holders(self, marks: Sequence[Fact]) -> list[tuple[Statement, Fact]]:
        """Return the statements that have an amount beginning where one of ``marks`` does, each
        with it.
        """
        places = {(mark.section, mark.first) for mark in marks}
        holders: list[tuple[Statement, Fact]] = []
        for statement in self.regimen.text.statements:
            for fact in statement.amounts:
                if (fact.section, fact.first) not in places:
                    continue
                holders.append((statement, fact))
        return holders

    def _can_hold(self, statement: Statement, fact: Fact, *, is_contrary: bool) -> bool:
        """Return whether an amount of a statement may be the agent's: it is a statement of the
        agent, the clause names no agent, or it names this one by a longer or shorter name.

        ``is_contrary``: the agent has another amount of this kind; then it must be surely its own.
        """
        if statement.agent.key == self.regimen.key:
            return fact.confidence == 1 or not is_contrary
        if statement.mention is None:
            return True
        named = set(statement.agent.key.split())
        own = set(self.regimen.key.split())
        return named <= own or own <= named

    def _link(self, stated: Stated) -> Span | Refusal | None:
        """Return the place of an amount that its agent has. None, it is open, if the words state
        levels that the regimen omits, or if it may belong to another schedule. It is refused if the
        text states the rest of the regimen with other amounts alone.
        """
        is_open = self._omits_level(stated)
        for field in READERS:
            with_others = self._list_with_other_amounts(field, stated)
            if not with_others:
                continue
            contrast = _find_contrast(field, stated, with_others[0])
            if contrast:
                return self.regimen.refuse(contrast)
            is_open = True
        return None if is_open else self.regimen.span(stated.mark)

    def _omits_level(self, stated: Stated) -> bool:
        """Return whether statements of the regimen's words that differ in amounts alone have a
        level of this kind that it lacks.
        """
        schedule = _read_schedule(stated.one)
        for place, statement in self.regimen.own:
            if place is not Nearness.HERE:
                continue
            if statement is not stated.one and _read_schedule(statement) != schedule:
                continue
            for level in statement.levels:
                if kind_of(level) != kind_of(stated.value):
                    continue
                if not amount_in(level, self.regimen.amounts):
                    return True
        return False

    def _list_with_other_amounts(self, field: str, stated: Stated) -> Sequence[Stated]:
        """Return the nearest statements that give the regimen's value of a field with other amounts
        than the regimen's.

        There are none if the statement of the amount (``stated``) has this value itself, if the
        value is too vague to contradict another one, or if one of the nearest has an amount of the
        regimen. A statement of the amount that says nothing of the field does not have the value.
        """
        reading = self.regimen.draft.model.get(field)
        if reading is None or reading.value is None:
            return ()
        # "once" and "other" go with any schedule
        if reading.value in VAGUE:
            return ()
        value_beside_amount, _ = READERS[field](stated.one)
        if is_same(value_beside_amount, reading.value):
            return ()
        # the nearest first
        having = [
            other
            for other in self.regimen.list_stated(field)
            if is_same(other.value, reading.value)
        ]
        nearest = [other for other in having if other.place == having[0].place]
        if any(self.regimen.fits(other.one) for other in nearest):
            return ()
        return nearest


def _find_contrast(field: str, stated: Stated, other: Stated) -> Fact | None:
    """Return the mark by which the statement of an amount has another value of a field, or by which
    ``other`` gives the regimen's value to another amount. None if the first one stands in another
    clause, or the second one not in the words of the regimen.
    """
    value, mark = READERS[field](stated.one)
    if mark is None:
        return None
    if value is None:
        return other.mark if other.place is Nearness.HERE else None
    return mark if stated.one.holds(mark) else None


def _find_same(amount: Amount, near: Sequence[Stated]) -> Stated | None:
    """Return the statement of an amount, if it is a dose among those beside it, and no volume or
    piece beside a substance; else None.
    """
    doses = choose_levels([stated.value for stated in near])
    if not amount_in(amount, doses):
        return None
    for stated in near:
        if is_same(amount, stated.value):
            return stated
    return None


def _meets(amount: Amount, levels: Sequence[Amount]) -> bool:
    """Return whether an amount has a number in common with one of the levels: 15 mg with "10-20 mg"
    or "up to 20 mg".
    """
    low, high = _ends(amount)
    for level in levels:
        lowest, highest = _ends(level)
        if max(low, lowest) <= min(high, highest):
            return True
    return False


def _ends(amount: Amount) -> tuple[float, float]:
    """Return the lowest and the highest number of an amount; an open end is the other one."""
    lowest = amount.low or amount.high or 0
    highest = amount.high or amount.low or 0
    return lowest, highest


def _read_schedule(statement: Statement) -> list[object]:
    """Return what a statement says of each field besides the amounts."""
    values: list[object] = []
    for read in READERS.values():
        value, _ = read(statement)
        values.append(value)
    return values


def _lie_over(
    marks: Sequence[Fact], place: Span, section: DosingSection
) -> Sequence[Fact]:
    """Return the marks that share a character with a place."""
    return [
        mark for mark in marks if section.span(mark.first, mark.end).overlaps(place)
    ]


def _find_unit_end(here: Passage, section: DosingSection) -> int | None:
    """Return the end of the unit of the number at ``here``, in its words or close behind it ("2 x
    10^8 viable cells"); None without one.
    """
    tokens = section.tokens
    behind_number = here.first + 1
    inside = range(behind_number, here.end)
    has_unit = any(find_unit(tokens, at, loose=True) for at in inside)
    # "500 mg on day 1, then 250"
    if not has_unit and rule("after_bare_dose").starts(tokens, here.end):
        return None
    ends: list[int] = []
    for at in range(behind_number, min(here.end + _UNIT_REACH, len(tokens))):
        unit = find_unit(tokens, at, loose=True)
        if unit:
            ends.append(unit.end)
    return max(ends, default=None)
