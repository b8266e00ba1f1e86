"""Ground the criteria and endpoints that a reply lists from running text.

Each has a quote, which must stand in its passage; the rules then read the record with these words
as items (``concepts/quoted.py``). An item without such words is rejected.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count, islice

from extractor.assembly.check import UnreadableValue
from extractor.assembly.objections import describe_objection, explain_objection
from extractor.concepts.criteria.prose import trim_criterion
from extractor.concepts.outcomes.stated import StatedRanks, trim_measure
from extractor.concepts.places import find_quotes
from extractor.concepts.quoted import QuotedCriterion, QuotedEndpoint, Structure
from extractor.evidence.drafts import Chunk, Draft, Objection, Span, Why, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import rule
from extractor.language.passage import Passage, split_sentences
from extractor.model.asking.answers import Values
from extractor.model.asking.questions import AnswerItem, ModelReply, Question, Replies
from extractor.model.asking.reply_models import (
    CLAIMS,
    CRITERIA,
    ENDPOINTS,
    PEOPLE_FIELDS,
    list_asked_keys,
)
from extractor.model.asking.request import Request
from extractor.schemas import CriterionKind, FindingKind, Rank, Task

_KEYS = {
    ENDPOINTS: list_asked_keys(Task.ENDPOINTS, ENDPOINTS),
    CRITERIA: list_asked_keys(Task.ELIGIBILITY, CRITERIA),
}
"""The keys by which an item is an endpoint or a criterion, and no regimen."""
_GROUPS = {CRITERIA: "eligibility.criteria", ENDPOINTS: "endpoints"}
_PEOPLE_KEYS = list_asked_keys(Task.ELIGIBILITY, *PEOPLE_FIELDS)
_QUOTES = ("quote", "time_frame")
# Chosen by hand.
_LONGEST = 120
"""Maximum number of tokens in the quote of an item."""
_SHORTEST = 4
"""Minimum number of characters in the quote of an item, unless it is an abbreviation."""
_MOST_SENTENCES = 2
"""Maximum number of sentences in the quote of an item."""
_MOST_PLACES = 20
"""Maximum number of places at which a quote is searched for in a passage."""


@dataclass(slots=True)
class Listed:
    """The criteria and endpoints that replies list, by new numbers of their items.

    Attributes:
        replies: The replies, in which each listed item that was found has its own number.
        criteria: The criteria.
        endpoints: The endpoints.
        lines: The passage of each item.
        objections: What speaks against items, each with the group and the passage or words.
    """

    replies: list[ModelReply | None] = field(default_factory=list)
    criteria: dict[int, QuotedCriterion] = field(default_factory=dict)
    endpoints: dict[int, QuotedEndpoint] = field(default_factory=dict)
    lines: dict[int, Question] = field(default_factory=dict)
    objections: list[tuple[str, Span, Objection]] = field(default_factory=list)

    @property
    def structure(self) -> Structure:
        """The places of the items, by which the rules read the record again."""
        criteria = tuple(self.criteria.values())
        return Structure((), criteria, tuple(self.endpoints.values()))

    def list_rejections(self, numbers: Iterator[int]) -> Iterator[Draft]:
        """Yield a draft for each objection, with an unused number."""
        for group, span, objection in self.objections:
            chunk = Chunk(next(numbers), span, "")
            yield Draft(group, chunk, span, {}, objections=(objection,))


def take_listed(
    parsed: ParsedRecord, request: Request, replies: Replies | None
) -> Listed:
    """Return the criteria and endpoints that replies list, each with the place of its words."""
    grounding = _Grounding(parsed, count(request.end))
    lines = {line.number: line for line in request.lines if list_lists(line)}
    for reply in replies or ():
        kept = reply
        if reply is not None and lines:
            items: list[AnswerItem] = []
            for item in reply.items:
                items += grounding.take(item, lines.get(item.n))
            kept = reply._replace(items=tuple(items))
        grounding.listed.replies.append(kept)
    return grounding.listed


def list_lists(line: Question) -> list[str]:
    """Return the lists that a line asks for: ``criteria`` and ``endpoints`` of running text."""
    return [name for name in _GROUPS if name in line.fields]


def _name_list(line: Question, values: Values) -> str:
    """Return the list that an item belongs to, or "" for a regimen and for people."""
    if "agent" in values:
        return ""
    for name, keys in _KEYS.items():
        if name in line.fields and not keys.isdisjoint(values):
            return name
    return ""


def _is_too_long(words: Passage) -> bool:
    """Return whether words are more than one item."""
    if words.end - words.first > _LONGEST:
        return True
    sentences = list(islice(split_sentences(words.text), _MOST_SENTENCES + 1))
    return len(sentences) > _MOST_SENTENCES


def _states_nothing(words: Passage) -> bool:
    """Return whether words are no item: one short word such as "the", or the name of an endpoint
    without what is measured.
    """
    text = words.text
    is_short = len(text) < _SHORTEST and not text.isupper()
    named = rule("named_endpoint").covers(words.tokens, words.first, words.end)
    return is_short or named is not None


class _Grounding:
    """Finds the words of listed items, and keeps what was found."""

    def __init__(self, parsed: ParsedRecord, numbers: Iterator[int]) -> None:
        self.listed = Listed()
        self._parsed = parsed
        self._numbers = numbers
        self._known: dict[tuple[str, Span], int] = {}
        # the section from which the words of an item of a list and kind or rank were taken first
        self._sections: dict[tuple[str, str, object], str] = {}
        self._ranks: dict[str, StatedRanks] = {}

    def take(self, item: AnswerItem, line: Question | None) -> Iterator[AnswerItem]:
        """Yield an item with its new number if it is in a list and was found. What it says of
        people, and of the record, keeps the number of the passage.
        """
        if line is None:
            yield item
            return
        name = _name_list(line, item.values)
        if not name:
            yield item
            return
        # what the line says beside its criterion or endpoint
        others = {
            key: value
            for key, value in item.values.items()
            if key in _PEOPLE_KEYS or key.startswith(CLAIMS)
        }
        if others:
            yield AnswerItem(item.n, others)
        if name == ENDPOINTS:
            number = self._add_endpoint(line, item.values)
        else:
            number = self._add_criterion(line, item.values)
        if number is not None:
            self.listed.lines[number] = line
            yield AnswerItem(number, item.values)

    def _add_criterion(self, line: Question, values: Values) -> int | None:
        """Add a criterion, and return its number; None if its words are not in the passage, or if
        the reply has it already.
        """
        kind = values.get("list")
        if not isinstance(kind, CriterionKind):
            kind = None
        places = self._find(CRITERIA, line, values.get("quote"), trim_criterion)
        words = self._choose(
            CRITERIA, places, lambda place: self._ranks_of(place).is_aside(place)
        )
        if words is None:
            return None
        if self._is_repeated(CRITERIA, words, kind):
            return None
        span = span_of(words)
        known = self._known.get((CRITERIA, span))
        if known is None:
            number = self._number(CRITERIA, span)
            self.listed.criteria[number] = QuotedCriterion(span, kind)
            return number
        first = self.listed.criteria[known]
        if first.kind is not kind:
            # two answers are none
            self.listed.criteria[known] = first._replace(kind=None)
            self._object(CRITERIA, span, Objection(Why.OTHER_VALUE), "kind", str(kind))
        return None

    def _add_endpoint(self, line: Question, values: Values) -> int | None:
        """Add an endpoint, and return its number; None if its words are not in the passage, or if
        the reply has it already.
        """
        answered = values.get("rank")

        def is_unlikely(place: Passage) -> bool:
            ranks = self._ranks_of(place)
            return ranks.is_aside(place) or ranks.find(place) is not answered

        places = self._find(ENDPOINTS, line, values.get("quote"), trim_measure)
        words = self._choose(ENDPOINTS, places, is_unlikely)
        if words is None:
            return None
        span = span_of(words)
        self._refuse_unreadable(ENDPOINTS, span, values, ("rank", "time_frame"))
        ranks = self._ranks_of(words)
        # without an answer, the sentence decides
        rank = ranks.find_own(words) or Rank.OTHER
        if isinstance(answered, Rank):
            rank = answered
        if self._is_repeated(ENDPOINTS, words, rank):
            return None
        known = self._known.get((ENDPOINTS, span))
        stated = ranks.find(words)
        if known is not None:
            self._add_rank(known, rank, stated)
            return None
        number = self._number(ENDPOINTS, span)
        frame = self._find_time(line, words, values.get("time_frame"))
        is_proven = self._prove_rank(words, rank)
        self.listed.endpoints[number] = QuotedEndpoint(span, rank, frame, is_proven)
        return number

    def _add_rank(self, number: int, rank: Rank, stated: Rank | None) -> None:
        """Note another rank of an endpoint: the one that the text states counts, doubted."""
        first = self.listed.endpoints[number]
        if first.rank is rank:
            return
        chosen = first.rank
        other = rank
        if rank is stated:
            chosen = rank
            other = first.rank
        self.listed.endpoints[number] = first._replace(
            rank=chosen, is_rank_proven=False
        )
        objection = Objection(Why.OTHER_VALUE)
        self._object(ENDPOINTS, first.span, objection, "rank", other.value)

    def _prove_rank(self, words: Passage, rank: Rank) -> bool:
        """Return whether the text gives an endpoint this rank. Otherwise, the rank is kept and
        doubted.
        """
        ranks = self._ranks_of(words)
        stated = ranks.find(words)
        # what a text measures has no rank, and may follow a sentence about another rank
        if rank is Rank.OTHER:
            stated = ranks.find_own(words) or rank
        if stated is rank:
            return True
        why = Why.NOT_STATED
        if stated:
            why = Why.OTHER_VALUE
        objection = Objection(why, is_kept=True)
        self._object(ENDPOINTS, span_of(words), objection, "rank", rank.value)
        return False

    def _find_time(self, line: Question, words: Passage, quote: object) -> Span | None:
        """Return the place of the words for the time of an endpoint: within its words, or else the
        next one behind them, or the last one before them.
        """
        if not isinstance(quote, str) or not quote.strip():
            return None
        passage = self._parsed.passage(line.chunk.span)
        span = span_of(words)
        places = list(islice(find_quotes(passage, quote), _MOST_PLACES))
        # the time frame follows the endpoint, if its words stand there
        for place in places:
            if place.start >= span.start:
                return place
        if places:
            return places[-1]
        objection = explain_objection(quote, passage)
        self._object(ENDPOINTS, line.chunk.span, objection, "time_frame", quote)
        return None

    def _find(
        self,
        name: str,
        line: Question,
        quote: object,
        trim: Callable[[Passage], Passage],
    ) -> list[Passage]:
        """Return the places of a quote in a passage; without one, the item is rejected."""
        passage = self._parsed.passage(line.chunk.span)
        if not isinstance(quote, str) or not quote.strip():
            self._object(
                name, line.chunk.span, Objection(Why.UNQUOTED), "quote", "an item"
            )
            return []
        places = []
        for span in islice(find_quotes(passage, quote), _MOST_PLACES):
            words = trim(passage.section.between(span.start, span.end))
            if words.first < words.end:
                places.append(words)
        if places and _is_too_long(places[0]):
            self._object(name, line.chunk.span, Objection(Why.TOO_LONG), "quote", quote)
            return []
        if places and _states_nothing(places[0]):
            self._object(name, line.chunk.span, Objection(Why.UNQUOTED), "quote", quote)
            return []
        if not places:
            objection = explain_objection(quote, passage)
            self._object(name, line.chunk.span, objection, "quote", quote)
        return places

    def _refuse_unreadable(
        self, name: str, span: Span, values: Values, fields: Iterable[str]
    ) -> None:
        """Reject the values of these fields that are in no readable format."""
        for key in fields:
            value = values.get(key)
            if isinstance(value, UnreadableValue):
                objection = Objection(Why.UNREADABLE)
                self._object(name, span, objection, key, value.text)

    def _choose(
        self,
        name: str,
        places: list[Passage],
        is_unlikely: Callable[[Passage], bool],
    ) -> Passage | None:
        """Return a place, if possible one that is no part of another item, and among those a likely
        one; None if there are no places.
        """
        if len(places) < 2:
            return next(iter(places), None)
        taken = [span for group, span in self._known if group == name]

        def rate(place: Passage) -> tuple[bool, bool]:
            is_taken = any(map(span_of(place).overlaps, taken))
            return is_taken, is_unlikely(place)

        return min(places, key=rate)

    def _is_repeated(self, name: str, words: Passage, kind: object) -> bool:
        """Return whether an item repeats one of another section, as an abstract does."""
        section = words.section.name
        key = name, words.text.casefold(), kind
        return self._sections.setdefault(key, section) != section

    def _ranks_of(self, place: Passage) -> StatedRanks:
        """Return the ranks that the section of a place states."""
        section = place.section
        if section.name not in self._ranks:
            self._ranks[section.name] = StatedRanks(section.whole)
        return self._ranks[section.name]

    def _number(self, name: str, span: Span) -> int:
        number = next(self._numbers)
        self._known[name, span] = number
        return number

    def _object(
        self, name: str, span: Span, objection: Objection, field: str, value: str
    ) -> None:
        described = describe_objection(objection, field, value)
        if field not in _QUOTES:
            described = replace(described, kind=FindingKind.VALUE_NOT_IN_QUOTE)
        self.listed.objections.append((_GROUPS[name], span, described))
