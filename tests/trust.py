"""Synthetic records, and a stub model that answers each line of a request as a test wants."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from extractor.schemas import Part, Section, Source, TrialRecord
from tests.llm.stub import Scripted, completion, items

LINE = re.compile(
    r"^\[(?P<number>\d+)\|(?P<keys>[^|\]]*)(?:\|(?P<note>[^\]]*))?\] (?P<text>.*)$",
    re.MULTILINE,
)

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


def read_lines(request: Mapping[str, Any]) -> list[dict[str, str]]:
    """The lines of a request: number, keys, note and text."""
    return [
        found.groupdict() for found in LINE.finditer(request["messages"][-1]["content"])
    ]


def answering(answers: Mapping[str, Answer]) -> Callable[[dict[str, Any]], Scripted]:
    """Answers a line that contains one of these words with these keys, as far as they are asked."""

    def answer(request: dict[str, Any]) -> Scripted:
        given = []
        for line in read_lines(request):
            values = _find(answers, line["text"])
            asked = set(line["keys"].split())
            kept = (
                values
                if "regimens" in asked
                else {k: v for k, v in values.items() if k in asked}
            )
            if kept or "regimens" not in asked:
                given.append({"n": int(line["number"]), **kept})
        return completion(items(*given))

    return answer


def _find(answers: Mapping[str, Answer], text: str) -> Answer:
    return next((answer for words, answer in answers.items() if words in text), {})
