"""Trial records made of short texts, and the readings from them."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import NamedTuple

from extractor.parse.dosing import read_dosing
from extractor.parse.drafts import Chunk, Draft
from extractor.schemas import Part, Period, Section, Source, TrialRecord
from extractor.text.passage import read_section


def make_section(name: str, /, **fields: str) -> Section:
    """A section with each part on its own line, or with only ``text``."""
    if "text" in fields:
        return Section(name=name, text=fields["text"])
    text, parts = "", []
    for field, value in fields.items():
        start = len(text) + 1 if text else 0
        text = f"{text}\n{value}" if text else value
        parts.append(Part(name=field, start=start, end=start + len(value)))
    return Section(name=name, text=text, parts=tuple(parts))


def make_record(*sections: Section) -> TrialRecord:
    return TrialRecord(record_id="T1", source=Source(path="t.json", format="ctgov_json"), sections=sections)


class Doses(NamedTuple):
    """What ``read_dosing`` gives."""

    regimens: tuple[Draft, ...]
    candidates: tuple[Chunk, ...]


def read(*sections: Section) -> Doses:
    read = {section.name: read_section(section.name, section.text) for section in sections}
    return Doses(*read_dosing(make_record(*sections), read, count(1)))


def give(description: str, name: str = "Examplumab", kind: str = "DRUG") -> tuple[Draft, ...]:
    """The regimens of a record with one intervention."""
    return read(make_section("interventions[0]", type=kind, name=name, description=description)).regimens


def levels(regimen: Draft) -> list[tuple[float | None, float | None, str]]:
    return [(amount.low, amount.high, amount.unit) for amount in regimen.rules["amounts"].value or ()]


def read_trial(
    drugs: Mapping[str, str] | None = None, arms: Iterable[str] = (), kind: str = "DRUG", **texts: str
) -> Doses:
    """Read interventions (names and descriptions), experimental arms (descriptions), and other sections."""
    sections = [
        make_section(f"arms[{at}]", label=f"Cohort {at}", type="EXPERIMENTAL", description=text)
        for at, text in enumerate(arms)
    ]
    for at, (name, text) in enumerate((drugs or {}).items()):
        described = {"description": text} if text else {}
        sections.append(make_section(f"interventions[{at}]", type=kind, name=name, **described))
    return read(*sections, *(make_section(name, text=text) for name, text in texts.items()))


def show(regimen: Draft, fields: str) -> tuple[object, ...]:
    """Values of a regimen as plain text and numbers: doses by their upper ends, times as number and unit."""

    def plain(name: str) -> object:
        if name == "doses":
            return tuple(sorted(high or 0 for _, high, _ in levels(regimen)))
        if name == "section":
            return regimen.span.section
        value = regimen.rules[name].value
        return f"{value.value:g} {value.unit}" if isinstance(value, Period) else value and str(value)

    return tuple(map(plain, fields.split()))
