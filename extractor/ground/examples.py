"""Check the examples of custom fields as a model's answers are checked."""

from collections.abc import Iterable

from extractor.errors import FieldError
from extractor.fields.declaration import CustomField, Example
from extractor.fields.value_forms import show_value
from extractor.text.passage import read_passage

from .claims import check_claim


def check_examples(fields: Iterable[CustomField], where: str = "") -> tuple[CustomField, ...]:
    """The fields, if the text of each example bears out its answer. Raises ``FieldError``.

    A bare value has the whole text as its quote. ``where`` stands before the field's name in messages.

    >>> from extractor.fields import read_fields
    >>> [field.name for field in check_examples(read_fields("blinding"))]
    ['blinding']
    """
    checked = tuple(fields)
    for field in checked:
        for example in field.examples:
            _check(field, example, f"{where}{field.name}, example {example.text!r}")
    return checked


def _check(field: CustomField, example: Example, place: str) -> None:
    answers = None if example.value is None else field.list_answers(example.value, quote=example.text)
    for claim in field.read(answers)[0]:
        for value, reason in check_claim(claim, field, read_passage(example.text)).refused:
            shown = reason or "the text does not bear it out, so that the same answer of a model would be refused"
            raise FieldError(f"{place}: {show_value(value)}: {shown}")
