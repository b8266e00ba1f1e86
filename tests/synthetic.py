"""Synthetic records as long as one likes, hostile lines, and what a piece of work costs."""

import cProfile
import pstats
from collections.abc import Callable, Iterator, Mapping

from extractor.schemas import Part, Section, Source, TrialRecord

_ORGANS = ("liver", "kidney", "heart", "lung", "thyroid", "bladder", "spleen", "pancreas", "skin", "eye", "colon")
_DRUGS = ("examplumab", "testatinib", "mocaxel", "sampletide", "trialomycin", "fauxparib", "demosartan")
_VERBS = ("Known", "Any", "Active", "Prior", "Suspected", "Severe", "Untreated", "Chronic", "Uncontrolled")
_MEASURES = ("platelet count", "haemoglobin", "creatinine", "bilirubin", "ferritin", "albumin", "sodium", "potassium")


def _pick(words: tuple[str, ...], number: int) -> str:
    return words[number % len(words)]


def _list_criteria(numbers: range) -> tuple[Section, ...]:
    """Lists of inclusion and exclusion criteria, in blocks, so that a longer list has more headings too."""
    lines = []
    for number in numbers:
        organ, drug, measure = _pick(_ORGANS, number), _pick(_DRUGS, number // 3), _pick(_MEASURES, number)
        lines += [
            "Inclusion Criteria:\n" if number % 10 == 0 else "",
            f"* Age {18 + number % 40} to {60 + number % 30} years",
            f"* Adequate {organ} function, as shown by a {measure} of at least {number + 1}.5 x 10^9/L",
            f"* {drug.capitalize()} within {number + 2} weeks before the first dose, or {organ} surgery",
            "\nExclusion Criteria:\n" if number % 10 == 0 else "",
            f"* {_pick(_VERBS, number)} {organ} disease number {number}, or an infection with fever",
        ]
    return (Section(name="eligibility", text="\n".join(line for line in lines if line)),)


def _write_prose(numbers: range) -> tuple[Section, ...]:
    sentences = (
        f"Participants of group {number} receive {_pick(_DRUGS, number)} {number + 1} mg by mouth twice daily for "
        f"{number + 2} weeks, then the {_pick(_ORGANS, number)} is examined again on day {number + 7}. "
        f"They are eligible if the {_pick(_MEASURES, number)} is above {number}."
        for number in numbers
    )
    return (Section(name="detailed_description", text="\n\n".join(sentences)), *_name_drugs())


def _register_outcomes(numbers: range) -> tuple[Section, ...]:
    sections = []
    for number in numbers:
        parts = {
            "measure": f"Change in {_pick(_MEASURES, number)} of the {_pick(_ORGANS, number)}, part {number}",
            "description": f"Measured in serum by ELISA from the start of treatment until death or day {number}.",
            "time_frame": f"Baseline, week {number + 1} and up to {number + 2} months",
        }
        sections.append(_join(f"primary_outcomes[{number - numbers[0]}]", parts))
    return tuple(sections)


def _flatten_outcomes(numbers: range) -> tuple[Section, ...]:
    items = (
        f"Change in {_pick(_MEASURES, number)} of part {number}, Taken from serum, by ELISA., up to {number} months"
        for number in numbers
    )
    return (Section(name="primary_outcomes", text="|".join(items)),)


def _give_arms(numbers: range) -> tuple[Section, ...]:
    sections = []
    for number in numbers:
        drug = _pick(_DRUGS, number)
        parts = {
            "label": f"Cohort {number}: {drug}",
            "type": "EXPERIMENTAL",
            "description": f"{drug.capitalize()} {number + 1}.5 mg/kg IV over {number + 30} minutes on days 1, 8 and "
            f"15 of each {number + 20}-day cycle, then {number + 3} mg orally once daily until progression.",
        }
        sections.append(_join(f"arms[{number - numbers[0]}]", parts))
    return (*sections, *_name_drugs())


def _name_drugs() -> Iterator[Section]:
    for number, drug in enumerate(_DRUGS):
        yield _join(f"interventions[{number}]", {"type": "DRUG", "name": drug})


def _join(name: str, texts: Mapping[str, str]) -> Section:
    parts, start = [], 0
    for part, text in texts.items():
        parts.append(Part(name=part, start=start, end=start + len(text)))
        start += len(text) + 1
    return Section(name=name, text="\n".join(texts.values()), parts=tuple(parts))


PARTS: Mapping[str, Callable[[range], tuple[Section, ...]]] = {
    "criteria": _list_criteria,
    "prose": _write_prose,
    "outcomes": _register_outcomes,
    "flattened outcomes": _flatten_outcomes,
    "arms": _give_arms,
}
"""What writes each part of a record: an item for each number."""


def build_record(part: str, count: int, first: int = 0) -> TrialRecord:
    """A record with ``count`` items in one of its parts; with another ``first`` number, no line is the same.

    >>> build_record("arms", 2).section("arms[1]").part("label")
    'Cohort 1: testatinib'
    """
    sections = (
        Section(name="title", text="Examplumab in a synthetic disease"),
        *PARTS[part](range(first, first + count)),
    )
    return TrialRecord(record_id="synthetic", source=Source(path="synthetic", format="flat"), sections=sections)


def build_hostile(place: str, piece: str, length: int, end: str = "") -> TrialRecord:
    """A record with one section of so many characters."""
    text = "A arm " + (piece * (length // len(piece) + 1))[:length] + end
    sections = [Section(name=place, text=text)]
    if place.startswith("arms"):
        parts = (Part(name="label", start=0, end=5), Part(name="description", start=6, end=len(text)))
        sections = [
            Section(name=place, text=text, parts=parts),
            Section(name="interventions[0]", text="DRUG: examplumab"),
        ]
    return TrialRecord(record_id="hostile", source=Source(path="hostile", format="flat"), sections=tuple(sections))


def count_calls(work: Callable[[], object]) -> int:
    """How many functions, Python's own included, are called.

    >>> count_calls(lambda: len("two calls: the expression's and this"))
    2
    """
    profile = cProfile.Profile()
    profile.runcall(work)
    total: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    return total - 1  # runcall ends by calling the profile itself
