"""The base of all models, and the metadata in fields' annotations."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AllowInfNan, BaseModel, ConfigDict

from extractor.language.shown import show_line


class FrozenModel(BaseModel):
    """An immutable value. An unknown key is an error, so that nothing is lost silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SaidModel(FrozenModel):
    r"""A value that holds words of the record. Its ``str`` and ``repr`` show them as people read
    them, on one line; its fields and its JSON have the characters themselves.

    >>> class Remark(SaidModel):
    ...     words: str
    >>> remark = Remark(words="platelets \\> 50 x\n   10\\^9/L")
    >>> str(remark), remark.words[:12]
    ("words='platelets > 50 x 10^9/L'", 'platelets \\>')
    """

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, _show(value)


def is_none(value: object) -> bool:
    """Return whether a value is None: such fields are left out of the JSON."""
    return value is None


def _show(value: Any) -> Any:
    if type(value) is str:
        return show_line(value)
    if isinstance(value, tuple):
        return tuple(map(_show, value))
    if isinstance(value, dict):
        return {name: _show(member) for name, member in value.items()}
    return value


def _keep_whole(value: int | float) -> int | float:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


Number = Annotated[
    int | Annotated[float, AllowInfNan(False)],  # noqa: FBT003 - pydantic takes it so
    AfterValidator(_keep_whole),
]
"""A finite number; 2.0 is kept as 2, so that output reads as the text does."""


class EvidenceKind(StrEnum):
    """How a value is proven.

    - ``read``: by a quote of its own, from which the value can be read again.
    - ``item``: the value is the quote of the item.
    - ``none``: the value says where the item stands in the record, and needs no proof.
    """

    READ = "read"
    ITEM = "item"
    NONE = "none"


Comparison = StrEnum(
    "Comparison",
    "TEXT EXTENT WORDS WHOLE CHOICE POLARITY PLACE TIME LIMIT WINDOW AMOUNT FREQUENCY NAME LABEL "
    "GROUP",
)
Comparison.__doc__ = """How two values of a field are compared.

- ``text``: words of the record, whose extent may differ a little.
- ``extent``: words of the record that are evidence: right if they overlap, and no part of the score
  of all fields.
- ``words``: words of the record that are part of a value: right if they share half of the words of
  the shorter; none is an answer too.
- ``whole``: such words that name a thing: a fragment is wrong, as one member of a list for the
  whole of it.
- ``choice``, ``polarity``: equal or not; a difference in polarity turns the meaning round.
- ``place``, ``pairing``: equal or not; a difference says that the item stands elsewhere, or is
  another one.
- ``time``, ``limit``, ``window``, ``amount``, ``frequency``: numbers with units, compared part by
  part.
- ``name``: a name, and a version if there is one.
- ``label``: a name that the record gives, such as that of an arm: equal but for letter case and
  white space.
- ``group``: which items stand in it, and its rule; its name does not count.
"""


@dataclass(frozen=True, slots=True)
class FieldMetadata:
    """Metadata of a field, in its ``Annotated``. The JSON Schema does not show it.

    Args:
        comparison: How two values are compared.
        evidence: How a value is proven.
        question: The name of the question to a model for the value; None if no model is asked.
        key: The key that a model writes for it; by default the field's name.
        label: A readable name of the field; by default its name without underscores.
        family: Fields of the same family have values that a reader may confuse, such as both limits
            of age.
        weight: Factor from 0 to 1 on the harm of an error.
        decided: Whether the guideline requires a value for every item, although the schema allows
            none.
        in_gold: Whether the field is in the guideline, and so in gold.
        rare: Whether few items state the field, in which case a missed value weighs more.
        tokens: Output tokens that a model's answer may take at most.
        in_total: Whether it counts in the scores of its task and of all fields. Those of the fields
            that guideline 1.5 added do not, so that these scores stay comparable.
    """

    comparison: Comparison
    evidence: EvidenceKind = EvidenceKind.READ
    question: str | None = None
    key: str | None = None
    label: str | None = None
    family: str | None = None
    weight: float = 1.0
    decided: bool = False
    in_gold: bool = True
    rare: bool = False
    tokens: int = 8
    in_total: bool = True
