"""Drafts: the items of a record on their way to its extraction, with a reading of each field and
its confidence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from extractor.language.passage import Passage
from extractor.schemas import AbsenceReason, FindingKind, Origin, Support, Usage

T_co = TypeVar("T_co", covariant=True)

Signs = Mapping[str, tuple[str, ...]]
"""The names of evidence for or against a value under the key "", and for or against each quote
that is a part of it under the part's name.
"""
CERTAIN = 0.95
"""A reading with at least this confidence needs no second annotator."""
RECORD = -1
"""The number that refers to the record itself instead of a chunk."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open character offsets into the raw text of a section."""

    section: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of characters."""
        return self.end - self.start

    def contains(self, other: "Span") -> bool:
        """Return whether the other span lies wholly in this one."""
        return (
            self.section == other.section
            and self.start <= other.start
            and other.end <= self.end
        )

    def overlaps(self, other: "Span") -> bool:
        """Return whether the two share a character."""
        return (
            self.section == other.section
            and self.start < other.end
            and other.start < self.end
        )


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """The value read for one field, its confidence, and the characters that support it.

    Attributes:
        value: The value; a tuple for a list. None with a high confidence is a known absence ("the
            text states no route"); an ``open_()`` reading leaves the field open.
        confidence: The probability that the value, or a list as a whole, is right, from 0 to 1. It
            is 0 for an open reading.
        spans: The characters that support it. For a tuple value, parallel to it.
        support: How it follows from them.
        alternatives: Other likely values, most likely first; empty if they are unknown.
        supports: For each of ``spans``, how its member follows from it, if the members of a list
            differ in ``support``; otherwise empty.
        origin: Who read it: rules, a model, or both.
        gap: Why nobody read it; then there is no value, and the confidence means nothing. None if
            somebody did.
        sure_parts: For each member of a list the confidence of the quotes that are its parts, by
            name of the part, where these have one of their own; empty if none has.
        signs: Evidence for or against the value: one entry for a single value, one for each
            member of a list. Calibration turns them into ``confidence``, ``sure`` and
            ``sure_parts``.
        sure: For each member of a list its own confidence; empty if all have ``confidence``.

    >>> Reading.open_().certain, Reading(None, 0.98).certain
    (False, True)
    """

    value: T_co
    confidence: float
    spans: tuple[Span, ...] = ()
    support: Support = Support.LITERAL
    alternatives: tuple[T_co, ...] = ()
    supports: tuple[Support, ...] = ()
    origin: Origin = Origin.RULE
    gap: AbsenceReason | None = None
    sure_parts: tuple[Mapping[str, float], ...] = ()
    signs: tuple[Signs, ...] = ()
    sure: tuple[float, ...] = ()

    def list_values(self) -> tuple[Any, ...]:
        """Return the members of a list, or the value; none if there is no value."""
        if isinstance(self.value, tuple):
            return self.value
        if self.value is None:
            return ()
        return (self.value,)

    def sure_of(self, position: int) -> float:
        """Return the confidence of one member of a list, which is that of the whole list if the
        members have none of their own.
        """
        return self.sure[position] if position < len(self.sure) else self.confidence

    def at_most(self, most: float) -> "Reading[T_co]":
        """Return the reading with no confidence above a limit, neither of the value nor of a member
        of a list. The confidences of parts stay as they are.

        >>> Reading(("a", "b"), 0.9, sure=(0.95, 0.6)).at_most(0.8).sure
        (0.8, 0.6)
        """
        return replace(
            self,
            confidence=min(self.confidence, most),
            sure=tuple(min(sure, most) for sure in self.sure),
        )

    def list_sure_parts(self) -> tuple[Mapping[str, float], ...]:
        """Return, for each member of a list, the confidences of its parts by name. A part without
        a confidence of its own is missing.
        """
        return self.sure_parts or ({},) * len(self.list_values())

    def list_supports(self) -> tuple[Support, ...]:
        """Return how the value follows from each of ``spans``."""
        return self.supports or (self.support,) * len(self.spans)

    @property
    def certain(self) -> bool:
        """Whether it is certain enough to need no second annotator."""
        return self.confidence >= CERTAIN

    @property
    def is_open(self) -> bool:
        """Whether the field is still undecided."""
        return self.confidence == 0

    @staticmethod
    def open_() -> "Reading[None]":
        """Return a reading that leaves the field open."""
        return Reading(None, 0.0)


def find_weakest(supports: Iterable[Support]) -> Support:
    """Return the weakest of several supports; without any, the strongest that there is.

    >>> find_weakest([Support.LITERAL, Support.INFERRED]).value
    'inferred'
    """
    return max(supports, key=list(Support).index, default=Support.LITERAL)


def span_of(passage: Passage) -> Span:
    """Return the raw span of a passage."""
    return Span(passage.section.name, *passage.raw_span)


@dataclass(frozen=True, slots=True)
class StructureDoubt:
    """A place whose structure is in doubt, and why: a heading that is only nearly one, an item
    that could be two.
    """

    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A numbered unit of text that a model can be asked about.

    ``text`` is the cleaned text, ``span`` its place in the raw text. Numbers are unique in a
    record.
    """

    number: int
    span: Span
    text: str


class ConflictKind(StrEnum):
    """The kind of token that differs between a quote and the text.

    - ``negation``, ``comparator``, ``number``: "no", "at least", "5".
    - ``unit``, ``time_unit``: "mg", "weeks".
    - ``conjunction``: "and" or "or".
    - ``course``: a word with a likely opposite, such as increase and decrease, inclusion and
      exclusion.
    """

    NEGATION = "negation"
    COMPARATOR = "comparator"
    NUMBER = "number"
    UNIT = "unit"
    TIME_UNIT = "time_unit"
    CONJUNCTION = "conjunction"
    COURSE = "course"


@dataclass(frozen=True, slots=True)
class TokenConflict:
    """A token that differs between the quote and the text.

    Args:
        kind: The kind of token.
        quoted: The token in the quote; empty if only the text has one.
        stated: The token in the text; empty if only the quote has one.
    """

    kind: ConflictKind
    quoted: str
    stated: str


class Why(StrEnum):
    """Why an answer is refused, in the words of its finding."""

    NOT_STATED = "not stated"
    OTHER_NUMBER = "another number"
    OTHER_UNIT = "another unit"
    OTHER_COMPARATOR = "another comparator"
    OTHER_WORDS = "other words"
    OTHER_VALUE = "another value"
    OTHER_OWNER = "said of something else"
    UNQUOTED = "no words bear it out"
    UNREADABLE = "in no readable form"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that is refused, and why.

    The function that finds the reason leaves ``field``, ``value``, ``kind`` and ``attribute`` to
    its caller.

    Attributes:
        why: The reason.
        nearest: The place in the text that contradicts it, None if there is none.
        part: The part of the value that is refused, such as the condition of a limit; "" if the
            value itself is. Then ``nearest`` are the words that the part should be.
        field: The field of the value.
        value: The value in words, with the part if that is refused.
        kind: The kind of the finding that reports it.
        attribute: The attribute of a user's own field, "" for any other field.
    """

    why: Why = Why.NOT_STATED
    nearest: Span | None = None
    part: str = ""
    field: str = ""
    value: str = ""
    kind: FindingKind = FindingKind.VALUE_NOT_IN_QUOTE
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One item on its way from the first reading to the extraction: a criterion, a regimen, an
    outcome, or the record.

    Attributes:
        group: Where an extraction has such items: ``eligibility`` for the record itself,
            ``eligibility.criteria``, ``dosing``, ``endpoints``, ``custom.<name>`` for a value of a
            user's own field.
        chunk: The text in which it was read.
        span: The characters of the item.
        rules: What the rules read, by field. ``stands`` indicates whether there is a criterion or
            regimen at all.
        model: What a model answered and the text supports, by field.
        refused: What it answered that the text does not support.
        asked: The fields that a model was to be asked about, each with the reason why it has no
            answer, if it has none: the model gave none, or the budget was spent.
        at_most: How sure the rules' reading of some fields can be, where the structure of the text
            is in doubt.
        own: The values of custom fields, by field, each read by rules or by a model.
            ``model`` states about such a field whether a model found one.
        is_skipped: A model was asked about it and skipped it, while it answered others: the
        rules' values are
            kept, and they are not confirmed.
    """

    group: str
    chunk: Chunk
    span: Span
    rules: Mapping[str, Reading[Any]] = field(default_factory=dict)
    model: Mapping[str, Reading[Any]] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    at_most: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[str, tuple["Draft", ...]] = field(default_factory=dict)
    asked: Mapping[str, AbsenceReason] = field(default_factory=dict)
    is_skipped: bool = False

    @property
    def number(self) -> int:
        """The number of its chunk."""
        return self.chunk.number

    def read(self, name: str) -> Reading[Any]:
        """Return the rules' reading of a field; an open one if there is none."""
        return self.rules.get(name, _OPEN)

    @property
    def is_answered(self) -> bool:
        """Whether a model answered about it, even if its whole answer was refused."""
        return bool(self.model or self.refused)

    def refuses(self, name: str, attribute: str = "") -> bool:
        """Return whether a value of a field was refused; with ``attribute``, whether a value of
        that attribute was.
        """
        return any(
            refusal.field == name and attribute in ("", refusal.attribute)
            for refusal in self.refused
        )

    def gap(self, name: str) -> AbsenceReason:
        """Return why a field has no answer of a model: it was not asked, the budget was spent, the
        model gave none, or the text does not support its answer.
        """
        reason = self.asked.get(name, AbsenceReason.NOT_ASKED)
        if reason is AbsenceReason.MODEL_REFUSED and self.refuses(name):
            return AbsenceReason.UNSUPPORTED_ANSWER
        return reason


_OPEN = Reading.open_()


def draft_record(rules: Mapping[str, Reading[Any]]) -> Draft:
    """Return the draft of the record itself, which has no chunk of its own."""
    nowhere = Span("", 0, 0)
    return Draft("eligibility", Chunk(RECORD, nowhere, ""), nowhere, rules)


@dataclass(frozen=True)
class ModelResult:
    """A model's answers about a record.

    Attributes:
        drafts: One for each line that was asked about, and one for the record itself if it was
            asked about. A line with several regimens has several drafts. A line without an answer
            has a draft that states only what was asked.
        dropped: Why answers could not be read at all.
        remarks: What is doubtful about how replies were read.
        usage: Calls and tokens.
    """

    drafts: tuple[Draft, ...] = ()
    dropped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def complete(self, draft: Draft) -> Draft:
        """Return a draft of the rules with the model's answers about its chunk; the draft itself if
        the chunk was not asked about.
        """
        answer = self.by_number.get(draft.number)
        return draft if answer is None else _add(draft, answer)

    @cached_property
    def by_number(self) -> Mapping[int, Draft]:
        """One draft for each chunk, by its number. Of several answers about a field, the first
        counts; refusals and values of custom fields are joined.
        """
        by_number: dict[int, Draft] = {}
        for draft in self.drafts:
            first = by_number.get(draft.number)
            by_number[draft.number] = draft if first is None else _add(first, draft)
        return by_number

    @cached_property
    def passages(self) -> Sequence[Draft]:
        """What was stated about the passages whose regimens the model was to list, in reading
        order.
        """
        passages = [draft for draft in self.drafts if "regimens" in draft.asked]
        return sorted(passages, key=lambda draft: draft.number)

    @property
    def answers_any_passage(self) -> bool:
        """Whether a model listed the regimens of a passage. An empty list, and one that was
        refused, is an answer, too.
        """
        return any(draft.is_answered for draft in self.passages)

    def list_regimens(self) -> list[Draft]:
        """Return the model's regimens: the drafts of ``passages`` with an agent or a quote."""
        return [
            draft
            for draft in self.passages
            if "agent" in draft.model or "quote" in draft.model
        ]


def _add(draft: Draft, answer: Draft) -> Draft:
    """Return a draft with an answer about the same chunk, behind those that it has."""
    own = dict(draft.own)
    for name, values in answer.own.items():
        own[name] = (*own.get(name, ()), *values)
    return replace(
        draft,
        model={**answer.model, **draft.model},
        refused=(*draft.refused, *answer.refused),
        own=own,
        asked={**answer.asked, **draft.asked},
        is_skipped=draft.is_skipped or answer.is_skipped,
    )
