"""Write the definitions of users' fields, as a model reads them."""

import json
from collections.abc import Iterable, Iterator

from extractor.concepts.own.declaration import CustomField, Example, Of

_HEAD = """# Fields of this user

These keys are asked for as well. "quote" is the words of the line that bear the answer out, copied exactly; include a \
"no" or "not" that belongs to them. Leave a key out where the text does not state it."""
_WHERE = {
    Of.RECORD: "of the trial: give it on each line that states it, and on no other",
    Of.CRITERION: "of the criterion in the line",
    Of.REGIMEN: "of a regimen: give it in the item of the regimen",
    Of.OUTCOME: "of the outcome in the line",
}


def describe_fields(fields: Iterable[CustomField]) -> Iterator[str]:
    """Yield the definitions of fields, as paragraphs of the prompt."""
    yield _HEAD
    for field in fields:
        lines = [f"{field.name} ({_WHERE[field.of]}). {field.definition}"]
        if field.judgement:
            lines.append("Where no words bear it out, leave out the quote.")
        said = [one.describe() for one in field.attributes]
        alone = field.is_plain and not field.needs_quote
        lines.append(
            f"Write {said[0].removeprefix('value: ')}"
            if alone
            else "Write an object of quote and these:"
        )
        lines += [] if alone else [f"- {one}" for one in said]
        if field.many:
            lines.append("Write a list if the line states several.")
        for example in field.examples:
            lines.append(
                f"Example: {json.dumps(example.text, ensure_ascii=False)} gives "
                f"{_write(field, example)}"
            )
        yield "\n".join(lines)


def _write(field: CustomField, example: Example) -> str:
    """Return the answer to an example in the form that a model is asked for."""
    if example.value is None:
        return "nothing"
    answers = field.list_answers(example.value, quote=example.text)
    return json.dumps({field.name: answers if field.many else answers[0]}, ensure_ascii=False)
