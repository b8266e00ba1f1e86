"""The examples of a user's fields as gold: each text is a record, each value what it says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from extractor.concepts.own.declaration import CustomField, Example, Of
from extractor.schemas import Section, Source, TrialRecord

_SECTIONS = {
    Of.RECORD: ("brief_summary", "{}"),
    Of.CRITERION: ("eligibility", "{} Criteria:\n\n* {}"),
    Of.REGIMEN: ("interventions[0]", "{}"),
    Of.ENDPOINT: ("primary_outcomes[0]", "{}"),
}
"""Where the text of an example stands in its record, and how."""


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
        asked = field.model_copy(update={"where": {}, "sections": ()})
        for number, example in enumerate(field.examples, 1):
            others = tuple(one for one in field.examples if one is not example)
            name = f"{field.name}-{number}"
            gold = {"record_id": name, "custom": {field.name: _answer(field, example)}}
            yield ExampleCase(
                asked.model_copy(update={"examples": others}),
                asked,
                _make_record(name, field, example),
                gold,
            )


def _answer(field: CustomField, example: Example) -> list[dict[str, Any]]:
    claims = field.read(field.complete_answers(example))[0]
    said = [
        {name: value for name, value in claim.items() if name != "quote"}
        if field.needs_quote
        else dict(claim)
        for claim in claims
    ]
    return [{"values": to_jsonable_python(one)} for one in said]


def _make_record(name: str, field: CustomField, example: Example) -> TrialRecord:
    section, form = _SECTIONS[field.of]
    if field.of is Of.CRITERION:
        kinds = field.where.get("kind", ("inclusion",))
        text = form.format(kinds[0].capitalize(), example.text)
    else:
        text = form.format(example.text)
    return TrialRecord(
        record_id=name,
        source=Source(path=f"example {name}", format="flat"),
        sections=(Section(name=section, text=text),),
    )
