"""The definitions of the user's own fields, as a model reads them."""

import json
from collections.abc import Iterable, Iterator

from extractor.fields.declaration import CustomField, Of

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
    """The definitions of fields, as paragraphs of the prompt."""
    yield _HEAD
    for field in fields:
        lines = [f"{field.name} ({_WHERE[field.of]}). {field.definition}"]
        if field.judgement:
            lines.append("Where no words bear it out, leave out the quote.")
        said = [one.describe() for one in field.attributes]
        alone = field.is_plain and not field.needs_quote
        lines.append(f"Write {said[0].removeprefix('value: ')}" if alone else "Write an object of quote and these:")
        lines += [] if alone else [f"- {one}" for one in said]
        if field.many:
            lines.append("Write a list if the line states several.")
        for example in field.examples:
            answer = "nothing" if example.value is None else json.dumps({field.name: example.value}, ensure_ascii=False)
            lines.append(f"Example: {json.dumps(example.text, ensure_ascii=False)} gives {answer}")
        yield "\n".join(lines)
