"""The examples of a user's fields as gold: each text is a record, each value what it says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from extractor.concepts.own.declaration import CustomField, Example, Of
from extractor.schemas import Section, Source, TrialRecord

_SECTIONS = {
    Of.RECORD: "brief_summary",
    Of.CRITERION: "eligibility",
    Of.REGIMEN: "interventions[0]",
    Of.ENDPOINT: "primary_outcomes[0]",
}
"""Where the text of an example stands in its record."""


@dataclass(frozen=True, slots=True)
class ExampleCase:
    """An example to score.

    Attributes:
        field: The field as it is asked: without this example, which would show the answer.
        shown: The field with all of its examples.
        record: The text of the example as a record.
        gold: What the example says.
    """

    field: CustomField
    shown: CustomField
    record: TrialRecord
    gold: dict[str, Any]


def list_examples(fields: Iterable[CustomField]) -> Iterator[ExampleCase]:
    """Yield all examples of the fields, each to be answered by what is said without it.

    >>> from extractor.concepts.own.models import read_fields
    >>> first = next(list_examples(read_fields("extractor.catalogue:Blinding")))
    >>> first.record.record_id, first.gold["custom"]
    ('blinding-1', {'blinding': [{'values': {'level': 'open'}}]})
    """
    for field in fields:
        # The text is given as one that has the field.
        shown = field.model_copy(update={"where": {}, "sections": ()})
        for number, example in enumerate(field.examples, 1):
            others = tuple(other for other in field.examples if other is not example)
            asked = shown.model_copy(update={"examples": others})
            name = f"{field.name}-{number}"
            record = _make_record(name, field, example)
            gold = {"record_id": name, "custom": {field.name: _answer(field, example)}}
            yield ExampleCase(asked, shown, record, gold)


def _answer(field: CustomField, example: Example) -> list[dict[str, Any]]:
    """Return the values that an example states, as gold writes them."""
    claims = field.read(field.complete_answers(example))[0]
    answers = []
    for claim in claims:
        values = dict(claim)
        if field.needs_quote:
            # The quote proves the value; it is no attribute of the field.
            values.pop("quote", None)
        answers.append({"values": to_jsonable_python(values)})
    return answers


def _make_record(name: str, field: CustomField, example: Example) -> TrialRecord:
    """Return a record whose one section has the text of an example."""
    text = example.text
    if field.of is Of.CRITERION:
        # Under a heading, so that the text is read as a criterion of the kind asked for.
        kinds = field.where.get("kind", ("inclusion",))
        text = f"{kinds[0].capitalize()} Criteria:\n\n* {example.text}"
    return TrialRecord(
        record_id=name,
        source=Source(path=f"example {name}", format="flat"),
        sections=(Section(name=_SECTIONS[field.of], text=text),),
    )
