"""Convert the examples of custom fields to gold: each text becomes a record with the example's
values.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydantic_core import to_jsonable_python

from extractor.face import CustomField, Example, Of
from extractor.schemas import Section, Source, TrialRecord
from extractor.schemas.base import JsonObject

_SECTIONS = {
    Of.RECORD: "brief_summary",
    Of.CRITERION: "eligibility",
    Of.REGIMEN: "interventions[0]",
    Of.ENDPOINT: "primary_outcomes[0]",
}
"""The section of the record that contains an example's text."""


class ExampleCase(NamedTuple):
    """An example to score.

    Attributes:
        unanswered: The field without this example; this version is used to ask a model.
        answered: The field with all examples; this version is used to apply its patterns.
        record: The example's text as a record.
        gold: The example's values as gold.
    """

    unanswered: CustomField
    answered: CustomField
    record: TrialRecord
    gold: JsonObject


def list_examples(fields: Iterable[CustomField]) -> Iterator[ExampleCase]:
    """Yield all examples of the fields.

    >>> from extractor.concepts.own.models import read_fields
    >>> first = next(list_examples(read_fields("extractor.catalogue:Blinding")))
    >>> first.record.record_id, first.gold["custom"]
    ('blinding-1', {'blinding': [{'values': {'level': 'open'}}]})
    """
    for field in fields:
        # The field is asked for in every section, because each example is one text.
        answered = field.model_copy(update={"sections": ()})
        for number, example in enumerate(field.examples, 1):
            # a question that shows the example would give its answer away
            others = tuple(other for other in field.examples if other is not example)
            unanswered = answered.model_copy(update={"examples": others})
            record = _make_record(f"{field.name}-{number}", field, example)
            answers = [
                field.read_answer(answer, field.name, [], strict=True)
                for answer in field.list_answers(example.value)
            ]
            items = [{"values": to_jsonable_python(values)} for values in answers]
            gold = {"record_id": record.record_id, "custom": {field.name: items}}
            yield ExampleCase(unanswered, answered, record, gold)


def _make_record(name: str, field: CustomField, example: Example) -> TrialRecord:
    """Return a record with the example's text in the section that is searched for the field."""
    text = example.text
    if field.of is Of.CRITERION:
        text = f"Inclusion Criteria:\n\n* {text}"
    return TrialRecord(
        record_id=name,
        source=Source(path=f"example {name}", format="flat"),
        sections=(Section(name=_SECTIONS[field.of], text=text),),
    )
