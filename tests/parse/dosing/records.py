"""Trial records made of short texts, and what is read from them."""

from itertools import count

from extractor.parse.dosing import read_dosing
from extractor.parse.parsed import ParsedDosing, ParsedRegimen
from extractor.schemas import Part, Section, Source, TrialRecord
from extractor.text.passage import read_section


def make_section(name: str, /, **fields: str) -> Section:
    """A section whose parts stand on lines of their own; without fields named ``text`` alone."""
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


def read(*sections: Section) -> ParsedDosing:
    read = {section.name: read_section(section.name, section.text) for section in sections}
    return read_dosing(make_record(*sections), read, count(1))


def give(description: str, name: str = "Examplumab", kind: str = "DRUG") -> tuple[ParsedRegimen, ...]:
    """The regimens of a record with one intervention."""
    return read(make_section("interventions[0]", type=kind, name=name, description=description)).regimens


def levels(regimen: ParsedRegimen) -> list[tuple[float | None, float | None, str]]:
    return [(amount.low, amount.high, amount.unit) for amount in regimen.amounts.value or ()]
