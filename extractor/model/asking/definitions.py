"""Write the definitions of users' fields, as a model reads them."""

import json
from collections.abc import Iterable, Iterator

from extractor.concepts.own.declaration import CustomField, Example, Of

_HEAD = """# Fields of this user

These keys are asked for as well. "quote" is the words of the line that bear the answer out, \
copied exactly; include a \
"no" or "not" that belongs to them. Leave a key out where the text does not state it."""
_WHERE = {
    Of.RECORD: "of the trial: give it on each line that states it, and on no other",
    Of.CRITERION: "of the criterion in the line",
    Of.REGIMEN: "of a regimen: give it in the item of the regimen",
    Of.ENDPOINT: "of the outcome in the line",
}


def describe_fields(fields: Iterable[CustomField]) -> Iterator[str]:
    """Yield the definitions of fields, as paragraphs of the prompt: a heading, then for each field
    its definition, its attributes and its examples.
    """
    yield _HEAD
    for field in fields:
        parts = "quote and these" if field.needs_quote else "these"
        lines = [
            f"{field.name} ({_WHERE[field.of]}). {field.definition}",
            f"Write an object of {parts}:",
        ]
        lines += [f"- {attribute.describe()}" for attribute in field.attributes]
        if field.many:
            lines.append("Write a list if the line states several.")
        lines += [_describe_example(field, example) for example in field.examples]
        yield "\n".join(lines)


def _describe_example(field: CustomField, example: Example) -> str:
    """Write an example with its answer in the form that a model is asked for: a list for a field
    with many values, else the first one. An example without an answer "gives nothing".
    """
    text = json.dumps(example.text, ensure_ascii=False)
    answers = field.complete_answers(example)
    if not answers:
        return f"Example: {text} gives nothing"
    answer = {field.name: answers if field.many else answers[0]}
    # A class of ours, such as a duration, is written as its text.
    written = json.dumps(answer, ensure_ascii=False, default=str)
    return f"Example: {text} gives {written}"
