"""Check the examples of custom fields as a model's answers are checked."""

from collections.abc import Iterable

from extractor.errors import FieldError
from extractor.fields.declaration import CustomField
from extractor.text.passage import read_passage

from .check import show_value
from .claims import check_claim


def check_examples(fields: Iterable[CustomField]) -> tuple[CustomField, ...]:
    """The fields, if the text of each example bears out its answer. Raises ``FieldError``.

    >>> from extractor.fields import read_fields
    >>> [field.name for field in check_examples(read_fields("blinding"))]
    ['blinding']
    """
    checked = tuple(fields)
    for field in checked:
        for example in field.examples:
            for claim in field.read(example.value)[0]:
                for value, reason in check_claim(claim, read_passage(example.text)).refused:
                    shown = (
                        reason or "the text does not bear it out, so that the same answer of a model would be refused"
                    )
                    raise FieldError(f"{field.name}, example {example.text!r}: {show_value(value)}: {shown}")
    return checked
