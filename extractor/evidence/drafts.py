"""Drafts: the items of a record before its extraction is assembled, with a reading and a
confidence for each field.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, NamedTuple, Self, TypeAlias, TypeVar

from extractor.confidence import find_meaning, find_most
from extractor.language.passage import Passage
from extractor.language.values import list_members, replace, value_class
from extractor.schemas import (
    AbsenceReason,
    Evidence,
    FieldRef,
    FindingKind,
    Origin,
    Support,
    Usage,
)

T_co = TypeVar("T_co", covariant=True)

CERTAIN = 0.95
"""A reading with at least this confidence needs no second annotator."""
LIST_IN_DOUBT = "list in doubt"
"""The feature of a kind, and of what depends on it, whose list is doubtful."""
RECORD = -1
"""The chunk number that refers to the record itself."""


@value_class(order=True)
class Span:
    """Half-open character offsets into the raw text of a section."""

    section: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of characters."""
        return self.end - self.start

    def contains(self, inner: "Span") -> bool:
        """Return whether this span contains another span.

        >>> outer = Span("title", 2, 5)
        >>> [
        ...     outer.contains(Span(name, start, end))
        ...     for name, start, end in (
        ...         ("title", 2, 5),
        ...         ("title", 1, 5),
        ...         ("title", 2, 6),
        ...         ("text", 3, 4),
        ...     )
        ... ]
        [True, False, False, False]
        """
        is_same = self.section == inner.section
        if not is_same:
            return False
        if self.start > inner.start:
            return False
        return inner.end <= self.end

    def overlaps(self, other: "Span") -> bool:
        """Return whether this span and another span share a character.

        >>> title = Span("title", 2, 5)
        >>> [
        ...     title.overlaps(Span(name, start, end))
        ...     for name, start, end in (
        ...         ("title", 4, 9),
        ...         ("title", 5, 9),
        ...         ("title", 0, 2),
        ...         ("text", 2, 5),
        ...     )
        ... ]
        [True, False, False, False]
        """
        is_same = self.section == other.section
        if not is_same:
            return False
        if self.start >= other.end:
            return False
        return other.start < self.end


class ValuePart(NamedTuple):
    """What speaks for or against a quote that is a part of a value, such as the condition of a
    limit, and how sure it is.
    """

    features: tuple[str, ...] = ()
    confidence: float = 1.0


@value_class()
class Supported(Generic[T_co]):
    """A value, or a member of a list, with the characters that support it.

    Attributes:
        value: The value.
        span: The characters that support it.
        support: How the value follows from them.
        features: What speaks for or against the value itself.
        parts: The quotes that are parts of the value, by name. A part that is not stated is no key.
        confidence: The share, from 0 to 1, of such values that are correct; 1 before the record is
            weighed.
    """

    value: T_co
    span: Span
    support: Support = Support.LITERAL
    features: tuple[str, ...] = ()
    parts: Mapping[str, ValuePart] = field(default_factory=dict)
    confidence: float = 1.0


@value_class()
class Reading(Generic[T_co]):
    """The value read for one field, the characters that support it, and what is known about how
    sure it is: before the record is weighed (``evidence/weighing.py``), the ``probability`` and the
    features; afterwards, the ``confidence``.

    Attributes:
        value: The value; a tuple for a list. None with a high confidence means that the value is
            known to be absent ("the text states no route"); an ``open_()`` reading leaves the field
            open.
        probability: The probability, from 0 to 1, that a scorer gives the value; 1 without a
            scorer. It is 0 for an open reading.
        spans: The characters that support the value.
        support: How the value follows from the characters in ``spans``; for a list, the weakest
            support of a member.
        alternatives: Other likely values, most likely first; empty if unknown.
        origin: Whether rules, a model or both read the value.
        gap: Why the field was not read; the reading then has no value, and its confidence is
            meaningless. None if the field was read.
        features: What speaks for or against the value or the list as a whole
            (``confidence/table.toml``).
        reasons: Further reasons for a low confidence, in words.
        weighed: The ``confidence`` if it is known; otherwise None.
        members: The members of a list, from which ``with_supported`` derives its value and its
            spans; empty for a single value.

    >>> Reading.open_().certain, Reading(None, weighed=0.98).certain
    (False, True)
    """

    value: T_co
    probability: float = 1.0
    spans: tuple[Span, ...] = ()
    support: Support = Support.LITERAL
    alternatives: tuple[T_co, ...] = ()
    origin: Origin = Origin.RULE
    gap: AbsenceReason | None = None
    features: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    weighed: float | None = None
    members: tuple[Supported[Any], ...] = ()

    @property
    def confidence(self) -> float:
        """The share, from 0 to 1, of such values or lists as a whole that are correct. It is 0 for
        an open reading.

        Raises:
            ValueError: The reading is not weighed yet.

        >>> Reading("oral", weighed=0.9).confidence
        0.9
        >>> Reading("oral").confidence
        Traceback (most recent call last):
            ...
        ValueError: the reading of 'oral' is not weighed yet
        """
        if self.weighed is None:
            raise ValueError(f"the reading of {self.value!r} is not weighed yet")
        return self.weighed

    def list_values(self) -> tuple[Any, ...]:
        """Return the members of a list, or the single value; the result is empty if there is no
        value.
        """
        return list_members(self.value)

    def list_supported(self) -> tuple[Supported[Any], ...]:
        """Return the members of a list, or the single value with its first place, if it has one."""
        if self.members or self.value is None:
            return self.members
        sure = self.weighed or 0.0
        return tuple(
            Supported(self.value, span, self.support, self.features, confidence=sure)
            for span in self.spans[:1]
        )

    def with_supported(self, supported: Iterable[Supported[Any]]) -> "Reading[Any]":
        """Return the reading with these values, their places and the weakest of their supports. A
        list consists of all of them, and a single value is the first of them.

        >>> word = Supported("oral", Span("arms[0]", 0, 4))
        >>> Reading(None).with_supported([word]).value
        'oral'
        >>> Reading(()).with_supported([word]).value
        ('oral',)
        """
        members = tuple(supported)
        spans = tuple(member.span for member in members)
        support = find_weakest(member.support for member in members)
        proven = replace(self, spans=spans, support=support)
        if isinstance(self.value, tuple):
            value = tuple(member.value for member in members)
            return replace(proven, value=value, members=members)
        for first in members[:1]:
            return replace(proven, value=first.value, features=first.features)
        return self

    def with_confidence(self, confidence: float) -> "Reading[T_co]":
        """Return the reading with this confidence of the value and of the members of a list."""
        members = tuple(
            replace(member, confidence=confidence) for member in self.members
        )
        return replace(self, weighed=confidence, members=members)

    def with_features(self, *features: str) -> "Reading[T_co]":
        """Return the reading with further features of the value or the list as a whole."""
        return replace(self, features=(*self.features, *features))

    def at_most(self, most: float, reason: str) -> "Reading[T_co]":
        """Return the reading with the confidences of the value and of its members capped at
        ``most`` for a reason, in words. The confidences of parts are unchanged.

        >>> Reading("a", weighed=0.9).at_most(0.8, "unproven").confidence
        0.8
        """
        if most >= max(
            (self.confidence, *(member.confidence for member in self.members))
        ):
            return self
        members = tuple(
            replace(member, confidence=min(member.confidence, most))
            for member in self.members
        )
        return replace(
            self,
            weighed=min(self.confidence, most),
            reasons=(*self.reasons, reason),
            members=members,
        )

    def limited(self, path: str, feature: str) -> "Reading[T_co]":
        """Return the reading with the confidences that a feature of ``path`` allows at most.

        >>> Reading("a", weighed=0.9).limited("answers", "unproven").confidence
        0.8
        """
        return self.at_most(find_most(path, feature), find_meaning(path, feature))

    @property
    def certain(self) -> bool:
        """Whether the reading is certain enough not to need a second annotator."""
        return self.confidence >= CERTAIN

    @property
    def is_open(self) -> bool:
        """Whether the field is still undecided."""
        return self.probability == 0

    @staticmethod
    def open_() -> "Reading[None]":
        """Return a reading that leaves the field open."""
        return Reading(None, 0.0, weighed=0.0)


_BY_STRENGTH = tuple(Support)


def find_weakest(supports: Iterable[Support]) -> Support:
    """Return the weakest of several supports. If ``supports`` is empty, return the strongest
    possible support.

    >>> find_weakest([Support.LITERAL, Support.INFERRED]).value
    'inferred'
    """
    return max(supports, key=_BY_STRENGTH.index, default=Support.LITERAL)


def span_of(passage: Passage) -> Span:
    """Return the raw span of a passage."""
    return Span(passage.section.name, *passage.raw_span)


def place_of(piece: Evidence) -> Span:
    """Return the place of a quote."""
    return Span(piece.section, piece.start, piece.end)


def support_words(passage: Passage) -> Supported[str]:
    """Return the raw words of a passage as a value."""
    return Supported(passage.raw, span_of(passage))


@dataclass(frozen=True, slots=True)
class StructureDoubt:
    """A place whose structure is doubtful, and the reason: for example, a line that resembles a
    heading, or an item that may be two items.
    """

    span: Span
    reason: str


@value_class()
class Chunk:
    """A numbered unit of text that a model can be asked about.

    ``text`` is the cleaned text, and ``span`` is its place in the raw text. ``number`` is unique
    within a record.
    """

    number: int
    span: Span
    text: str


class ConflictKind(StrEnum):
    """The kind of token that differs between a quote and the text.

    - ``negation``, ``comparator``, ``number``: "no", "at least", "5".
    - ``unit``, ``time_unit``: "mg", "weeks".
    - ``conjunction``: "and" or "or".
    - ``course``: a word that has an opposite, such as "increase" or "inclusion".
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
        quoted: The token in the quote; empty if only the text has a token.
        stated: The token in the text; empty if only the quote has a token.
    """

    kind: ConflictKind
    quoted: str
    stated: str


class Why(StrEnum):
    """The reason for rejecting or doubting an answer, as worded in the finding. It is also the
    feature of an answer that is kept (``confidence/table.toml``).
    """

    NOT_STATED = "not stated"
    OTHER_NUMBER = "another number"
    OTHER_UNIT = "another unit"
    OTHER_COMPARATOR = "another comparator"
    OTHER_WORDS = "other words"
    OTHER_VALUE = "another value"
    OTHER_OWNER = "stated about something else"
    UNQUOTED = "not supported by any words"
    TOO_LONG = "longer than one item"
    UNREADABLE = "not in a readable format"


@dataclass(frozen=True, slots=True)
class Objection:
    """A reason against a value of an answer, which is rejected or doubted. The function that finds
    the reason leaves ``field``, ``value``, ``kind`` and ``attribute`` to be set by its caller.

    Attributes:
        why: The reason.
        nearest: The place in the text that contradicts the value, or None.
        part: The rejected part of the value, such as the condition of a limit; "" if the whole
            value is rejected. If only a part is rejected, ``nearest`` is the correct wording of
            that part.
        field: The field of the value.
        value: The value in words, including the part if only a part is rejected.
        kind: The kind of finding that reports the rejected value.
        attribute: The path of the attribute of a custom field, without positions; "" for any other
            field.
        is_kept: Whether the value is kept and doubted, because the text has its numbers or words,
            and only the reason speaks against it.
    """

    why: Why = Why.NOT_STATED
    nearest: Span | None = None
    part: str = ""
    field: str = ""
    value: str = ""
    kind: FindingKind = FindingKind.VALUE_NOT_IN_QUOTE
    attribute: str = ""
    is_kept: bool = False


NOT_READ = Reading.open_()
"""The reading of a field that the rules do not read."""


class Readings(Mapping[str, Reading[object]]):
    """The rules' readings of one kind of item. A subclass has a typed attribute for each field.

    As a mapping, it contains the fields that the rules have read, in the order of the attributes,
    for code that treats all fields alike.
    """

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Reading[object]:
        reading: Reading[object] | None = self.get(name)
        if reading is None:
            raise KeyError(name)
        return reading

    def get(self, name: str, default: Any = None) -> Any:
        # unlike that of ``Mapping``, it raises no error for each field that is not read
        reading = NOT_READ
        if name in self.__match_args__:
            reading = getattr(self, name)
        if reading is NOT_READ:
            return default
        return reading

    def __iter__(self) -> Iterator[str]:
        for name in self.__match_args__:
            if getattr(self, name) is not NOT_READ:
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def change(self, change: Callable[[str, Reading[object]], Reading[object]]) -> Self:
        """Return the readings, each replaced by the result of ``change``, which is given the name
        and the reading of a field. The types of the values must stay the same.
        """
        changed = {name: change(name, getattr(self, name)) for name in self}
        return replace(self, **changed)


ReadT_co = TypeVar("ReadT_co", covariant=True, bound=Mapping[str, Reading[object]])
ReadT = TypeVar("ReadT", bound=Mapping[str, Reading[object]])


@value_class()
class ItemDraft(Generic[ReadT_co]):
    """One item between the first reading and the extraction: a criterion, a regimen, an outcome or
    the record (``evidence/items.py``), or a value of a custom field.

    Attributes:
        group: The path of the item in an extraction: ``eligibility`` for the record itself,
            ``eligibility.criteria``, ``dosing``, ``endpoints``, or ``custom.<name>`` for a value
            of a custom field.
        chunk: The text that the item was read from.
        span: The characters of the item.
        rules: The rules' readings, by field. ``stands`` states whether the text is a criterion or
            regimen at all.
        model: The model's answers that the text supports, by field.
        objections: What speaks against answers of the model: against those that the text does not
            support, and against those that are kept and doubted.
        questions: The fields that a model is asked about, each with the reason to report if no
            answer is available: the model did not answer, or the budget was spent.
        borders: The probability that the item is one whole item, if its boundaries are doubtful;
            otherwise None. No field is surer than that.
        ceiling: The maximum confidence of any value, also of one on which a model and the rules
            agree: below 1 for an item that only one of them found in running text.
        custom_values: The values of custom fields, by field, read by rules or by a model. For a
            custom field, ``model`` records whether a model found a value.
        is_skipped: Whether a model skipped the item but answered questions about other items; the
            rules' values are then kept, but are not confirmed.
        contradicted: The fields to which a model gave different answers.
    """

    group: str
    chunk: Chunk
    span: Span
    rules: ReadT_co
    model: Mapping[str, Reading[Any]] = field(default_factory=dict)
    objections: tuple[Objection, ...] = ()
    borders: float | None = None
    ceiling: float = 1.0
    custom_values: "Mapping[str, tuple[Draft, ...]]" = field(default_factory=dict)
    questions: Mapping[str, AbsenceReason] = field(default_factory=dict)
    is_skipped: bool = False
    contradicted: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of the chunk."""
        return self.chunk.number

    def read(self, name: str) -> Reading[Any]:
        """Return the rules' reading of a field, or an open reading if the rules have none."""
        return self.rules.get(name, NOT_READ)

    @property
    def is_structure_doubted(self) -> bool:
        """Whether the boundaries of the item or its list are doubtful."""
        is_in_doubt = LIST_IN_DOUBT in self.read("kind").features
        return is_in_doubt or self.borders is not None

    @property
    def is_answered(self) -> bool:
        """Whether a model gave an answer about the item, even if the whole answer was rejected."""
        return bool(self.model or self.objections)

    def objects_to(self, name: str, attribute: str = "") -> bool:
        """Return whether something speaks against a value for a field. If ``attribute`` is given,
        only values for this attribute, or for the attributes of its nested objects, count.
        """
        of_field = [each for each in self.objections if each.field == name]
        if not attribute:
            return bool(of_field)
        covers = FieldRef(attribute).covers
        return any(covers(each.attribute) for each in of_field)

    def gap(self, name: str) -> AbsenceReason:
        """Return why a field has no answer from a model: the model was not asked, the budget was
        spent, the model did not answer, or the text does not support the answer.
        """
        if self.objects_to(name):
            return AbsenceReason.UNSUPPORTED_ANSWER
        return self.questions.get(name, AbsenceReason.NOT_ASKED)


Draft: TypeAlias = ItemDraft[Mapping[str, Reading[Any]]]
"""Any item. The readings of a value of a custom field have no attributes."""


@dataclass(frozen=True)
class ModelResult:
    """A model's answers about a record.

    Attributes:
        drafts: One draft for each line that the model was asked about, and one for the record
            itself if the model was asked about it. A line with several regimens has several
            drafts. The draft of an unanswered line contains only the fields in question.
        dropped: The reasons why some answers could not be read at all.
        remarks: Doubts about how the replies were parsed.
        usage: The calls and tokens used.
    """

    drafts: tuple[Draft, ...] = ()
    dropped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def complete(self, draft: ItemDraft[ReadT]) -> ItemDraft[ReadT]:
        """Return the rules' draft, combined with the model's answers about its chunk. If the model
        was not asked about the chunk, the draft is unchanged.
        """
        answer = self.by_number.get(draft.number)
        if answer is None:
            return draft
        return _add(draft, answer)

    @cached_property
    def by_number(self) -> Mapping[int, Draft]:
        """One draft for each chunk, by chunk number. If a field has several answers, the first is
        used; rejections and values of custom fields are combined.
        """
        by_number: dict[int, Draft] = {}
        for draft in self.drafts:
            first = by_number.get(draft.number)
            by_number[draft.number] = _add(first, draft) if first else draft
        return by_number

    @cached_property
    def passages(self) -> Sequence[Draft]:
        """The model's answers about the passages whose regimens it was asked to list, in reading
        order.
        """
        passages = [draft for draft in self.drafts if "regimens" in draft.questions]
        return sorted(passages, key=lambda draft: draft.number)

    @property
    def answers_any_passage(self) -> bool:
        """Whether a model listed the regimens of any passage. An empty or rejected list also counts
        as an answer.
        """
        return any(draft.is_answered for draft in self.passages)

    def list_regimens(self) -> list[Draft]:
        """Return the model's regimens: the drafts in ``passages`` that have an agent or a quote."""
        return [
            draft
            for draft in self.passages
            if "agent" in draft.model or "quote" in draft.model
        ]


def _add(draft: ItemDraft[ReadT], answer: Draft) -> ItemDraft[ReadT]:
    """Return a draft combined with another answer about the same chunk. The draft's own readings
    take precedence.
    """
    custom_values = dict(draft.custom_values)
    for name, values in answer.custom_values.items():
        custom_values[name] = (*custom_values.get(name, ()), *values)
    return replace(
        draft,
        model={**answer.model, **draft.model},
        objections=(*draft.objections, *answer.objections),
        custom_values=custom_values,
        questions={**answer.questions, **draft.questions},
        is_skipped=draft.is_skipped or answer.is_skipped,
        contradicted=(*draft.contradicted, *answer.contradicted),
    )
