"""Synthetic records, and a stub model that answers each line of a request as a test wants."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from extractor.model.asking.reply_models import Reply
from extractor.schemas import Part, Section, Source, TrialRecord
from tests.asked import Asked, describe_heading, list_asked
from tests.llm.stub import Scripted, completion, items

Answer = Mapping[str, Any]


Content = str | Mapping[str, str]
"""A section's text, or its parts, which stand on their own lines."""


def trial(**sections: Content | Sequence[Content]) -> TrialRecord:
    """A record of these sections. ``arms_0`` is ``arms[0]``, and a list of arms are ``arms[0]``,
    ``arms[1]`` ...
    """
    named: dict[str, Content] = {}
    for name, content in sections.items():
        if isinstance(content, str | Mapping):
            named[re.sub(r"_(\d+)$", r"[\1]", name)] = content
        else:
            named |= {f"{name}[{at}]": each for at, each in enumerate(content)}
    return TrialRecord(
        record_id="NCT90000070",
        source=Source(path="made.json", format="ctgov_json"),
        sections=tuple(make_section(name, content) for name, content in named.items()),
    )


def make_section(name: str, content: Content) -> Section:
    """A section of a text, or of parts, each on its own line."""
    if isinstance(content, str):
        return Section(name=name, text=content)
    parts = []
    start = 0
    for part, line in content.items():
        parts.append(Part(name=part, start=start, end=start + len(line)))
        start += len(line) + 1
    return Section(name=name, text="\n".join(content.values()), parts=tuple(parts))


BUILT_IN = {*Reply.model_json_schema()["$defs"]["Item"]["properties"]}


def read_lines(request: Mapping[str, Any]) -> list[Asked]:
    """What a request asks about, in the order of the text."""
    return list(list_asked(request["messages"][-1]["content"]))


def answering(answers: Mapping[str, Answer]) -> Callable[[dict[str, Any]], Scripted]:
    """Answers a line that contains one of these words with these keys, as far as they are asked. A
    heading is none, and begins its list.
    """

    def answer(request: dict[str, Any]) -> Scripted:
        given = []
        for line in read_lines(request):
            values = _find(answers, line.text)
            if line.is_heading:
                values = {**describe_heading(line.text), **values}
            keys = line.keys
            if "criterion" in line.asked:
                # a custom field of criteria is asked of all of them
                keys |= values.keys() - BUILT_IN
            if "regimens" not in line.asked:
                values = {key: values[key] for key in values if key in keys}
            if values or line.needs_item:
                given.append({"n": line.number, **values})
        return completion(items(*given))

    return answer


def _find(answers: Mapping[str, Answer], text: str) -> Answer:
    return next((answer for words, answer in answers.items() if words in text), {})
