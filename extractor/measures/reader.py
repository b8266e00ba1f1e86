"""Read a clause once: its limits and time windows, with their parts and what is left over."""

from dataclasses import dataclass
from functools import cache

from extractor.language.book import read_table, rule
from extractor.language.passage import Passage
from extractor.measures.choice import Candidate, choose
from extractor.measures.grammar import Chart, Production, compose, read_productions
from extractor.measures.makers import MAKERS, Bound
from extractor.measures.owners import (
    Owner,
    Range,
    find_anchor,
    find_condition,
    find_limited,
    find_people,
    find_quantity,
    list_unexplained,
)
from extractor.measures.terminals import read_terminals
from extractor.schemas.vocabulary import Comparator, TimeUnit


@dataclass(frozen=True, slots=True)
class _Value:
    """What limits and windows have in common.

    Args:
        candidate: The span with its parts, its rule and its score.
        alternatives: The readings of the same tokens that have lost.
        unexplained: The content words of the clause that nothing explains.
    """

    comparator: Comparator
    value: float
    value_high: float | None
    candidate: Candidate
    alternatives: tuple[Candidate, ...]
    unexplained: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit(_Value):
    """A limit with its unit as written. ``is_known``: the vocabulary has its quantity."""

    unit: str | None
    quantity: str
    is_known: bool
    condition: str | None


@dataclass(frozen=True, slots=True)
class Window(_Value):
    """A time limit, what it limits and the moment from which it counts."""

    quote: str
    unit: TimeUnit
    of: str | None
    anchor: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """All values of a clause, from left to right."""

    limits: tuple[Limit, ...]
    windows: tuple[Window, ...]


@cache
def _list_productions() -> tuple[Production, ...]:
    return read_productions(read_table("measures")["production"], MAKERS)


def read_clause(clause: Passage, lead_in: Passage | None = None) -> Reading:
    """Read the limits and windows of a criterion.

    Args:
        clause: The criterion.
        lead_in: The line that introduces it, which may name the quantity.
    """
    chart = Chart(read_terminals(clause))
    compose(chart, _list_productions())
    introduced = _list_introduced(lead_in) if lead_in else frozenset[str]()
    place = clause.first, clause.end
    chosen, others = choose(chart, clause.tokens, *place, introduced)
    reader = _Reader(clause, chart, chosen, others, lead_in)
    limits: list[Limit] = []
    windows: list[Window] = []
    for index, candidate in enumerate(chosen):
        if candidate.is_window:
            windows.append(reader.read_window(index))
        else:
            limits += reader.read_limits(index, limits[-1] if limits else None)
    if lead_in and not windows:
        windows = list(read_clause(lead_in).windows)
    return Reading(tuple(limits), tuple(windows))


def _list_introduced(lead_in: Passage) -> frozenset[str]:
    """Return the known quantities of the line that introduces a clause."""
    spans = read_terminals(lead_in)
    return frozenset(span.value for span in spans if span.kind == "quantity")


@dataclass(frozen=True, slots=True)
class _Reader:
    clause: Passage
    chart: Chart
    chosen: list[Candidate]
    others: list[Candidate]
    lead_in: Passage | None

    def _find_clause(self, index: int) -> Range:
        """Return the tokens around a chosen span, up to the chosen ones beside it or a break."""
        span = self.chosen[index].span
        first, end = self.clause.first, self.clause.end
        if index:
            first = self.chosen[index - 1].span.end
        if index + 1 < len(self.chosen):
            end = self.chosen[index + 1].span.first
        tokens = self.clause.tokens
        for found in rule("sentence_break").find(tokens, first, span.first):
            first = found.end
        behind = rule("sentence_break").search(tokens, span.end, end)
        return first, behind.first if behind else end

    def _read(self, place: Range | None) -> str | None:
        return self.clause.tokens.read(*place) if place else None

    def _list_alternatives(self, candidate: Candidate) -> tuple[Candidate, ...]:
        """Return the readings of the same tokens that lost, the best one first."""
        span = candidate.span
        rivals = [
            other
            for other in self.others
            if other.span.first < span.end and span.first < other.span.end
        ]
        return tuple(sorted(rivals, key=lambda other: -other.score))

    def read_limits(self, index: int, last: Limit | None) -> list[Limit]:
        """Return the limits of a chosen span."""
        candidate = self.chosen[index]
        span = candidate.span
        first, end = self._find_clause(index)
        tokens = self.clause.tokens
        owner = find_quantity(self.chart, tokens, (first, end), span)
        name, is_known = self._name_quantity(owner, last)
        if candidate.is_age:
            name, is_known = self._name_age(first, span.end), True
        condition = find_condition(tokens, span.end, end)
        if condition is None and not candidate.is_age:
            condition = find_people(self.chart, tokens, first, span)
        explained = [place for place in (condition, (span.first, span.end)) if place]
        part = self.clause.part(first, end)
        left = list_unexplained(self.chart, part, explained)
        limits = []
        for bound in span.value:
            own = bound.condition
            place = (own.first, own.end) if own else condition
            limits.append(
                Limit(
                    bound.comparator,
                    bound.amount.low,
                    bound.amount.high,
                    candidate,
                    self._list_alternatives(candidate),
                    left,
                    bound.amount.unit,
                    name,
                    is_known,
                    self._read(place),
                )
            )
        return limits

    def _name_quantity(
        self, owner: Owner | None, last: Limit | None
    ) -> tuple[str, bool]:
        if owner:
            return self.clause.tokens.read(owner.first, owner.end), owner.is_known
        if last:
            return last.quantity, last.is_known
        if self.lead_in:
            return self.lead_in.text.rstrip(" :"), False
        return "", False

    def _name_age(self, first: int, end: int) -> str:
        """Return the word of an age between two tokens, or the usual one."""
        words = self.chart.all("quantity")
        ages = [one for one in words if one.value == "age" and first <= one.first < end]
        return self._read((ages[-1].first, ages[-1].end)) or "age" if ages else "age"

    def read_window(self, index: int) -> Window:
        """Return the window of a chosen span."""
        candidate = self.chosen[index]
        span = candidate.span
        first, end = self._find_clause(index)
        tokens = self.clause.tokens
        bound: Bound = span.value[0]
        anchor = find_anchor(tokens, bound.end, end)
        behind = anchor[1] if anchor else span.end
        limited = find_limited(tokens, (first, end), span, behind)
        places = (anchor, limited, (span.first, span.end))
        part = self.clause.part(first, end)
        left = list_unexplained(self.chart, part, [one for one in places if one])
        assert bound.amount.time
        return Window(
            bound.comparator,
            bound.amount.low,
            bound.amount.high,
            candidate,
            self._list_alternatives(candidate),
            left,
            tokens.read(span.first, anchor[1] if anchor else bound.end),
            bound.amount.time,
            self._read(limited),
            self._read(anchor),
        )
