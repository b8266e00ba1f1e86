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
"""What speaks for or against a value, by name, and for or against the quotes that are its parts."""
CERTAIN = 0.95
"""A reading with at least this confidence needs no second annotator."""
RECORD = -1
"""Stands for a chunk's number where the record itself is meant."""


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

    None as ``value`` with high confidence is a known absence ("the text states no route"); an
    ``open_()`` reading leaves the field open. For a tuple value, ``spans`` are parallel to it, and
    so are ``supports``, if its members differ in ``support``. ``alternatives`` are other likely
    values, likeliest first; an empty tuple means that they are unknown. ``sure_parts``, parallel to
    a tuple value too, has the confidence of quotes that are parts of a member, by name, where it is
    counted by their place. ``origin`` says who read it, ``gap`` why nobody did; then there is no
    confidence.

    ``signs`` name what speaks for or against a value: one entry for a single value, one for each
    member of a list. Such an entry has the signs of the member under the empty name, and those of
    its parts under theirs. Calibration turns them into confidences: that of the value, or ``sure``,
    which is parallel to a tuple value, and ``sure_parts``.

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
        """Return the confidence of one member of a list, as far as each is counted by itself."""
        return self.sure[position] if position < len(self.sure) else self.confidence

    def at_most(self, most: float) -> "Reading[T_co]":
        """Return the reading with no confidence above a limit; of parts, their own stay.

        >>> Reading(("a", "b"), 0.9, sure=(0.95, 0.6)).at_most(0.8).sure
        (0.8, 0.6)
        """
        return replace(
            self,
            confidence=min(self.confidence, most),
            sure=tuple(min(sure, most) for sure in self.sure),
        )

    def list_sure_parts(self) -> tuple[Mapping[str, float], ...]:
        """Return the confidences of the parts of each member; those that are not counted by
        place are missing.
        """
        return self.sure_parts or ({},) * len(self.list_values())

    def list_supports(self) -> tuple[Support, ...]:
        """Return how the value follows from each of ``spans``."""
        return self.supports or (self.support,) * len(self.spans)

    @property
    def certain(self) -> bool:
        return self.confidence >= CERTAIN

    @property
    def is_open(self) -> bool:
        return self.confidence == 0

    @staticmethod
    def open_() -> "Reading[None]":
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

    ``nearest`` is the place in the text that says otherwise, None if there is none. ``part`` names
    the quote that is wrong, if it is a part of a value: then ``nearest`` are the words that it
    should be, and ``value`` has both. ``attribute`` is that of a user's own field. What finds the
    reason leaves ``field``, ``attribute``, ``value`` and ``kind`` to its caller.
    """

    why: Why = Why.NOT_STATED
    nearest: Span | None = None
    part: str = ""
    field: str = ""
    value: str = ""
    kind: FindingKind = FindingKind.VALUE_NOT_IN_QUOTE
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class UnreadOwn:
    """Words that a pattern of a user's field found for an attribute and that are no value of it,
    and why.
    """

    field: str
    attribute: str
    span: Span
    why: str


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
        rules: What the rules read, by field. ``stands`` says whether there is a criterion or
            regimen at all.
        model: What a model answered and the text bears out, by field.
        refused: What it answered and the text does not bear out.
        asked: The fields that a model was to be asked about, each with the reason why it has no
            answer, if it has none: the model gave none, or the budget was spent.
        at_most: How sure the rules' reading of some fields can be, where the structure of the text
            is in doubt.
        own: The values of the user's own fields, by field, each read by rules or by a model.
            ``model`` says of such a field whether a model found one.
        unread: What the patterns of the user's own fields found in vain.
        is_skipped: A model was asked about it and skipped it, while it answered others: the rules'
            values stand, and nobody has confirmed them.
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
    unread: tuple[UnreadOwn, ...] = ()
    is_skipped: bool = False

    @property
    def number(self) -> int:
        """The number of its chunk."""
        return self.chunk.number

    def read(self, name: str) -> Reading[Any]:
        """Return what the rules read of a field."""
        return self.rules.get(name, _OPEN)

    @property
    def is_answered(self) -> bool:
        """Whether a model answered about it, however wrong."""
        return bool(self.model or self.refused)

    def refuses(self, name: str, attribute: str = "") -> bool:
        """Return whether a value of a field was refused; with ``attribute``, one of that."""
        for refusal in self.refused:
            if refusal.field != name:
                continue
            if attribute in ("", refusal.attribute):
                return True
        return False

    def has_unread(self, name: str, attribute: str = "") -> bool:
        """Return whether patterns of a field found something in vain; with ``attribute``, for
        that.
        """
        for words in self.unread:
            if words.field != name:
                continue
            if attribute in ("", words.attribute):
                return True
        return False

    def gap(self, name: str) -> AbsenceReason:
        """Return why a field has no answer."""
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
    """What a model said of a record.

    Attributes:
        drafts: One for each line that was asked about, and one for the record if that was. A line
            with several regimens has several. A line without an answer has one that says what was
            asked.
        dropped: Why answers could not be read at all.
        remarks: What is doubtful about how replies were read.
        usage: Calls and tokens.
    """

    drafts: tuple[Draft, ...] = ()
    dropped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def complete(self, draft: Draft) -> Draft:
        """Add to a draft of the rules what the model said of it."""
        answer = self.by_number.get(draft.number)
        if answer is None:
            return draft
        return replace(
            draft,
            model=answer.model,
            refused=answer.refused,
            own=_join(draft, answer),
            asked=answer.asked,
            is_skipped=answer.is_skipped,
        )

    @cached_property
    def by_number(self) -> Mapping[int, Draft]:
        """One draft for each line. Of several answers about a field, the first counts."""
        by_number: dict[int, Draft] = {}
        for draft in self.drafts:
            first = by_number.get(draft.number)
            if first is None:
                by_number[draft.number] = draft
                continue
            by_number[draft.number] = replace(
                first,
                model={**draft.model, **first.model},
                refused=(*first.refused, *draft.refused),
                own=_join(first, draft),
            )
        return by_number

    @cached_property
    def passages(self) -> Sequence[Draft]:
        """What was said of the passages whose regimens the model was to list, in reading order."""
        passages = [draft for draft in self.drafts if "regimens" in draft.asked]
        return sorted(passages, key=lambda draft: draft.number)

    @property
    def lists_regimens(self) -> bool:
        """Whether a model gave a list of the record's regimens, be it empty."""
        return any(draft.is_answered for draft in self.passages)

    def list_regimens(self) -> list[Draft]:
        """Return the model's regimens."""
        return [
            draft for draft in self.passages if {"agent", "quote"} & draft.model.keys()
        ]


def _join(first: Draft, other: Draft) -> Mapping[str, tuple[Draft, ...]]:
    """Return the values of a user's own fields in both drafts."""
    joined = dict(first.own)
    for name, values in other.own.items():
        joined[name] = (*joined.get(name, ()), *values)
    return joined
