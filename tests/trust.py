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


PLACE = re.compile(r"^ *\[(?P<number>\d+)\] (?P<text>.*)$", re.MULTILINE)
"""A place at which a line of the eligibility text begins."""
OF_CRITERION = ("ok", "list", "under", "cat", "limits", "windows", "rule", "quote")
OF_PEOPLE = ("min", "max", "sex", "healthy")
OF_OUTCOME = ("split", "concept", "domain", "times", "span", "tool", "start", "ends")
OF_OUTCOME += ("censored", "specimens", "methods")
KEYS = {"criterion": OF_CRITERION, "people": OF_PEOPLE, "outcome": OF_OUTCOME}
"""The keys of an item by what a line asks for. The items of regimens have any keys."""


def read_lines(request: Mapping[str, Any]) -> list[dict[str, str]]:
    """The lines of a request, those of the eligibility text first: number, what is asked, note and
    text.
    """
    said = request["messages"][-1]["content"]
    places = [
        {"keys": "criterion people", "note": "", **place.groupdict()}
        for place in PLACE.finditer(said)
    ]
    return places + [found.groupdict() for found in LINE.finditer(said)]


def answering(answers: Mapping[str, Answer]) -> Callable[[dict[str, Any]], Scripted]:
    """Answers a line that contains one of these words with these keys, as far as they are asked. A
    heading is none, and begins its list.
    """

    def answer(request: dict[str, Any]) -> Scripted:
        given = []
        for line in read_lines(request):
            asked = line["keys"].split()
            values = _find(answers, line["text"])
            if "criterion" in asked and line["text"].endswith(":"):
                values = {**_describe_heading(line["text"]), **values}
            if "regimens" not in asked:
                keys = {key for one in asked for key in KEYS.get(one, (one,))}
                values = {key: values[key] for key in values if key in keys}
            if values or {"criterion", "outcome"}.intersection(asked):
                given.append({"n": int(line["number"]), **values})
        return completion(items(*given))

    return answer


def _describe_heading(text: str) -> Answer:
    for kind in ("in", "ex"):
        if text.lower().startswith(f"{kind}clusion"):
            return {"ok": False, "list": kind}
    return {"ok": False}


def _find(answers: Mapping[str, Answer], text: str) -> Answer:
    return next((answer for words, answer in answers.items() if words in text), {})
