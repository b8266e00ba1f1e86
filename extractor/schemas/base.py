"""The base classes of all models, and the specification of a field."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from os import PathLike
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    ConfigDict,
    ValidationError,
)

from extractor.language.shown import show_line

StrPath: TypeAlias = str | PathLike[str]
"""A path as Python's own functions take it."""
Inputs: TypeAlias = Sequence[StrPath]
"""Files, folders, or patterns of files."""
JsonObject: TypeAlias = dict[str, Any]
"""A JSON object whose keys are read by name. ``pydantic.JsonValue`` is any JSON value."""


class FrozenModel(BaseModel):
    """An immutable value. Unknown keys are rejected, so that no data is lost silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuotingModel(FrozenModel):
    r"""A value that contains words from the record. ``str`` and ``repr`` show them cleaned and on
    one line; the fields and the JSON contain the original characters.

    >>> class Remark(QuotingModel):
    ...     words: str
    >>> remark = Remark(words="platelets \\> 50 x\n   10\\^9/L")
    >>> str(remark), remark.words[:12]
    ("words='platelets > 50 x 10^9/L'", 'platelets \\>')
    """

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        for name, value in super().__repr_args__():
            yield name, _show(value)


def find_fault(error: ValidationError) -> tuple[str, str]:
    """Return the place of the first fault in a value, such as ``values.ECOG``, and the message."""
    fault = error.errors(include_url=False)[0]
    return ".".join(map(str, fault["loc"])), fault["msg"]


def is_none(value: object) -> bool:
    """Return True if a value is None. Such fields are omitted from the JSON."""
    return value is None


def _show(value: object) -> object:
    """Return the form of a value for ``repr``: strings, including those inside tuples and
    dictionaries, are cleaned and put on one line. Other values are returned unchanged.
    """
    # not isinstance: members of a StrEnum keep their own repr
    if type(value) is str:
        return show_line(value)
    if isinstance(value, tuple):
        return tuple(map(_show, value))
    if isinstance(value, dict):
        return {name: _show(member) for name, member in value.items()}
    return value


def _store_whole_as_int(value: int | float) -> int | float:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


Number = Annotated[
    int | Annotated[float, AllowInfNan(False)],  # noqa: FBT003 - as pydantic expects it
    AfterValidator(_store_whole_as_int),
]
"""A finite number. 2.0 is stored as 2, so that the output matches the text."""


class EvidenceKind(StrEnum):
    """How a value is supported by evidence.

    - ``read``: by its own quote, from which the value can be read again.
    - ``item``: the value is the quote of the item itself.
    - ``none``: the value states the position of the item in the record and does not need evidence.
    """

    READ = "read"
    ITEM = "item"
    NONE = "none"


Comparison = StrEnum(
    "Comparison",
    "TEXT AGENT EXTENT WORDS WHOLE CHOICE POLARITY PLACE TIME LIMIT WINDOW AMOUNT CAP FREQUENCY "
    "NAME LABEL GROUP",
)
Comparison.__doc__ = """How two values of a field are compared.

- ``text``: words from the record, whose extent may differ slightly.
- ``agent``: like ``text``, for the name of an agent. Names of the same substance are equal.
- ``extent``: words from the record that serve as evidence. They are correct if they overlap, and
  are excluded from the overall score.
- ``words``: words from the record that are part of a value. They are correct if they share at least
  half of the words of the shorter text; an empty value is also a valid answer.
- ``whole``: words from the record that must be complete. A fragment is wrong, such as one member
  instead of the whole list.
- ``choice``, ``polarity``: equal or not. A difference in polarity reverses the meaning.
- ``place``: equal or not. A difference means that the item is at a different position.
- ``time``, ``limit``, ``window``, ``amount``, ``cap``, ``frequency``: numbers with units, compared
  part by part.
- ``name``: a name with an optional version.
- ``label``: a name that the record defines, such as the label of an arm. Letter case and white
  space are ignored.
- ``group``: the items in the group and its rule. The name of the group is ignored.
"""


ValueKind = StrEnum("ValueKind", "TEXT CHOICE YES_NO NUMBER DURATION QUANTITY NAME")
ValueKind.__doc__ = """The kind of a field's value, or of each member if the field is a list.

- ``text``: words from the record.
- ``choice``: a member of a closed set.
- ``yes_no``: true or false.
- ``number``: a bare number.
- ``duration``: a number with a time unit (``Age``, ``Period``, ``TimePoint``).
- ``quantity``: numbers with units and other parts (``Amount``, ``Constraint``, ``TimeWindow``).
- ``name``: a name with a version (``Instrument``).
"""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """The specification of a field, built in or a user's own.

    In the ``Annotated`` type of a field it states how values are compared, supported, asked about
    and weighted; ``list_fields`` adds what the model states. It does not appear in the JSON Schema.

    Args:
        comparison: How two values are compared.
        evidence: How a value is supported by evidence.
        question: The name of the question that asks a model for the value; None if no model is
            asked.
        key: The key of the value in a model's reply; by default, the name of the field.
        label: A readable name for the field; by default, its name with spaces instead of
            underscores.
        family: Fields in the same family have values that a reader might confuse, such as minimum
            and maximum age.
        weight: The weight of an error, from 0 to 1.
        decided: Whether the guideline requires a value for every item, although the schema allows
            None.
        in_gold: Whether the field is part of the guideline and of gold annotations.
        tokens: Maximum number of output tokens for the value in a model's reply.
        in_total: Whether the field contributes to the score of its task and to the overall score.
            Fields added in guideline 1.5 do not contribute, so that these scores remain
            comparable, except for the conditions of limits: a limit of some is no limit of all.
        group: Path of the items: ``eligibility``, ``eligibility.criteria``, ``dosing``,
            ``endpoints``, or that of a custom field or a nested object.
        name: The name of the attribute.
        type: The class of the value, or of each member of a list.
        many: Whether the field is a list.
        required: Whether every item must have a value.
    """

    comparison: Comparison
    evidence: EvidenceKind = EvidenceKind.READ
    question: str | None = None
    key: str = ""
    label: str = ""
    family: str | None = None
    weight: float = 1.0
    decided: bool = False
    in_gold: bool = True
    tokens: int = 8
    in_total: bool = True
    group: str = ""
    name: str = ""
    type: "type[Any]" = str
    many: bool = False
    required: bool = False

    @property
    def kind(self) -> ValueKind:
        """The kind of the value, or of each member of a list."""
        return _name_kind(self.type)

    @property
    def path(self) -> str:
        """The field's path in an extraction, such as ``eligibility.criteria.kind``."""
        return f"{self.group}.{self.name}"

    def of(self, group: str, name: str, **stated: Any) -> "FieldInfo":
        """Return the specification of the field ``name`` of the items at the path ``group``, with
        what else its model states: ``type``, ``many`` and ``required``.
        """
        label = self.label or name.replace("_", " ")
        key = self.key or name
        return replace(self, group=group, name=name, label=label, key=key, **stated)


def _name_kind(value_type: type[object]) -> ValueKind:
    """Return the kind of a value, given its class.

    A model is a duration if its only fields are ``value`` and ``unit`` (``Period``), a name if it
    has a ``name`` field (``Instrument``), and otherwise a quantity (``Amount``). Other classes are
    closed sets, Booleans, strings or numbers.
    """
    if issubclass(value_type, BaseModel):
        if set(value_type.model_fields) == {"value", "unit"}:
            return ValueKind.DURATION
        if "name" in value_type.model_fields:
            return ValueKind.NAME
        return ValueKind.QUANTITY
    # checked before ``str``, because a StrEnum is also a str
    if issubclass(value_type, StrEnum):
        return ValueKind.CHOICE
    if issubclass(value_type, bool):
        return ValueKind.YES_NO
    if issubclass(value_type, str):
        return ValueKind.TEXT
    return ValueKind.NUMBER
