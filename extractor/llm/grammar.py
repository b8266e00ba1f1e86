"""The grammar of a reply to one call: each line has its own number, keys and words, and nothing else can be written.

Without it a small model copies the numbers of worked examples, skips lines, repeats the last one, and fills in keys of
other lines. The grammar is written for llguidance, which llama.cpp reads; each item is a JSON schema in it. The prompt
stays the same, so a server keeps its static part in memory.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from extractor.llm.requests import Question

from .reply_models import Item, is_listing, key_of, keys_needed, list_attributes

_Schema = dict[str, Any]

_COMPACT = {"whitespace_flexible": False}
"""White space between tokens is half of what a small model writes where it may."""
_NUMBER = re.compile(r"\d+")
_MOST, _LONGEST = 8, 160
"""Items of one line, members of one list; characters of one text."""


def write_grammar(questions: Sequence[Question]) -> str:
    """The grammar for the lines of these questions: one item for each, in their order.

    A line that is asked for its regimens may have none or several, at most one more than it has numbers.
    """
    return "\n".join(["%llguidance {}", r'start: "{\"items\":[" first_0 "]}"', *_write_rules(questions), ""])


def describe_line(question: Question) -> _Schema:
    """The JSON schema of an item of one line."""
    known, most = _key_schemas(), _most_values(question)
    properties: _Schema = {"n": {"enum": [question.chunk.number]}}
    asked = set(map(key_of, list_attributes(question)))
    for key in (key for key in known if key in asked):  # as the schema orders them
        properties[key] = known[key]
        if known[key].get("type") == "array":
            properties[key] = {**known[key], "maxItems": most}
    required = [key for key in properties if key in keys_needed(question)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _write_rules(questions: Sequence[Question]) -> Iterator[str]:
    """``first_N`` is all from line N on where nothing is written yet, ``after_N`` the same behind other items."""
    for place, question in enumerate(questions):
        last = place == len(questions) - 1
        rest = "" if last else f" after_{place + 1}"
        schema = describe_line(question) | {"x-guidance": _COMPACT}
        yield f"item_{place}: %json {json.dumps(schema, ensure_ascii=False, separators=(',', ':'))}"
        if is_listing(question):
            most = _most_values(question)
            more = f' ("," item_{place}){{0,{most - 1}}}' if most > 1 else ""
            yield f"list_{place}: item_{place}{more}"
            yield f"first_{place}: list_{place}?" if last else f"first_{place}: list_{place}{rest} | first_{place + 1}"
            yield f'after_{place}: ("," list_{place})?{rest}'
        else:
            yield f"first_{place}: item_{place}{rest}"
            yield f'after_{place}: "," item_{place}{rest}'


def _most_values(question: Question) -> int:
    """One for each number in the line, and one for numbers written as words: a line with one has no room for eight."""
    return min(_MOST, 1 + len(_NUMBER.findall(question.chunk.text)))


@cache
def _key_schemas() -> Mapping[str, Any]:
    """The schema of each key, with the lengths that a small model needs to stop."""
    schema = Item.model_json_schema()
    shared = {f"#/$defs/{name}": definition for name, definition in schema.get("$defs", {}).items()}
    return {key: _limit(shared.get(held.get("$ref"), held)) for key, held in schema["properties"].items()}


def _limit(schema: _Schema) -> _Schema:
    if schema.get("type") == "array":
        return {**schema, "items": _limit(schema["items"])}
    if schema.get("type") == "object":
        return {**schema, "properties": {key: _limit(value) for key, value in schema["properties"].items()}}
    free = schema.get("type") == "string" and "enum" not in schema
    return {**schema, "maxLength": _LONGEST} if free else schema
