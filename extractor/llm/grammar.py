"""The grammar of a reply to one call: each line has its own number, keys and words, and nothing else can be written.

Without it a small model copies the numbers of worked examples, skips lines, repeats the last one, and fills in keys of
other lines. The grammar is written for llguidance, which llama.cpp reads; each item is a JSON schema in it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from extractor.llm.requests import Question
from extractor.schemas import Task

from .reply_models import MOST_REGIMENS, WIRE_ITEMS, asked_keys, unite_options

_Schema = dict[str, Any]

_COMPACT = {"whitespace_flexible": False}
"""White space between tokens is half of what a small model writes where it may."""
_NUMBER = re.compile(r"\d+")
_COUNTED = frozenset({"dose", "limits", "times"})
"""Keys that list values with numbers: a line with one number has no room for eight values."""


def write_grammar(questions: Sequence[Question]) -> str:
    """The grammar for the lines of these questions: one item for each, in their order.

    A line that is asked for its regimens may have none or several, at most one more than it has numbers.
    """
    return "\n".join(["%llguidance {}", r'start: "{\"items\":[" first_0 "]}"', *_write_rules(questions), ""])


def describe_line(question: Question) -> _Schema:
    """The JSON schema of an item of one line."""
    item, known = WIRE_ITEMS[question.task], _key_schemas(question.task)
    shown, needed = asked_keys(question)
    words = {item.key(field): found for field, found in unite_options(item, [question]).items()}
    properties: _Schema = {"n": {"enum": [question.chunk.number]}}
    most = _most_values(question)
    for key in (key for key in known if key in shown):
        properties[key] = {"type": "string", "enum": list(words[key])} if key in words else known[key]
        if key in _COUNTED:
            properties[key] = {**known[key], "maxItems": min(known[key]["maxItems"], most)}
    if "ok" in shown:  # what is no criterion has no other values
        needed = frozenset({"ok"})
    required = ["n", *(key for key in properties if key in shown & needed)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _write_rules(questions: Sequence[Question]) -> Iterator[str]:
    """``first_N`` is all from line N on where nothing is written yet, ``after_N`` the same behind other items."""
    for place, question in enumerate(questions):
        last = place == len(questions) - 1
        rest = "" if last else f" after_{place + 1}"
        schema = describe_line(question) | {"x-guidance": _COMPACT}
        yield f"item_{place}: %json {json.dumps(schema, ensure_ascii=False, separators=(',', ':'))}"
        if "regimens" in question.fields:
            most = min(MOST_REGIMENS, _most_values(question))
            more = f' ("," item_{place}){{0,{most - 1}}}' if most > 1 else ""
            yield f"list_{place}: item_{place}{more}"
            yield f"first_{place}: list_{place}?" if last else f"first_{place}: list_{place}{rest} | first_{place + 1}"
            yield f'after_{place}: ("," list_{place})?{rest}'
        else:
            yield f"first_{place}: item_{place}{rest}"
            yield f'after_{place}: "," item_{place}{rest}'


def _most_values(question: Question) -> int:
    """One for each number in the line, and one for numbers written as words."""
    return 1 + len(_NUMBER.findall(question.chunk.text))


@cache
def _key_schemas(task: Task) -> Mapping[str, Any]:
    """The schema of each key of a task, in the order in which it is written."""
    schema = WIRE_ITEMS[task].model_json_schema()
    shared = {f"#/$defs/{name}": definition for name, definition in schema.get("$defs", {}).items()}
    return {key: shared.get(held.get("$ref"), held) for key, held in schema["properties"].items() if key != "n"}
