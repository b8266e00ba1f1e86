"""Parsing costs what the length of a text costs, whatever the text. No time is asserted: it depends on the machine."""

import cProfile
import pstats
from collections.abc import Callable, Mapping

import pytest

from extractor.parse import parse_record
from extractor.schemas import Part, Section, Source, TrialRecord

ITEMS, TIMES = 20, 10
ALLOWED = 11
"""10 times the text may take at most 11 times as much."""
_ORGANS = ("liver", "kidney", "heart", "lung", "thyroid", "bladder", "spleen", "pancreas", "skin", "eye", "colon")
_DRUGS = ("examplumab", "testatinib", "mocaxel", "sampletide", "trialomycin", "fauxparib", "demosartan")
_VERBS = ("Known", "Any", "Active", "Prior", "Suspected", "Severe", "Untreated", "Chronic", "Uncontrolled")
_MEASURES = ("platelet count", "haemoglobin", "creatinine", "bilirubin", "ferritin", "albumin", "sodium", "potassium")


def _pick(words: tuple[str, ...], number: int) -> str:
    return words[number % len(words)]


def _list_criteria(numbers: range) -> list[Section]:
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
    return [Section(name="eligibility", text="\n".join(line for line in lines if line))]


def _write_prose(numbers: range) -> list[Section]:
    sentences = (
        f"Participants of group {number} receive {_pick(_DRUGS, number)} {number + 1} mg by mouth twice daily for "
        f"{number + 2} weeks, then the {_pick(_ORGANS, number)} is examined again on day {number + 7}. "
        f"They are eligible if the {_pick(_MEASURES, number)} is above {number}."
        for number in numbers
    )
    return [Section(name="detailed_description", text="\n\n".join(sentences)), *_name_drugs()]


def _register_outcomes(numbers: range) -> list[Section]:
    return [
        _join(
            f"primary_outcomes[{place}]",
            measure=f"Change in {_pick(_MEASURES, number)} of the {_pick(_ORGANS, number)}, part {number}",
            description=f"Measured in serum by ELISA from the start of treatment until death or day {number}.",
            time_frame=f"Baseline, week {number + 1} and up to {number + 2} months",
        )
        for place, number in enumerate(numbers)
    ]


def _flatten_outcomes(numbers: range) -> list[Section]:
    items = (
        f"Change in {_pick(_MEASURES, number)} of part {number}, Taken from serum, by ELISA., up to {number} months"
        for number in numbers
    )
    return [Section(name="primary_outcomes", text="|".join(items))]


def _give_arms(numbers: range) -> list[Section]:
    arms = [
        _join(
            f"arms[{place}]",
            label=f"Cohort {number}: {_pick(_DRUGS, number)}",
            type="EXPERIMENTAL",
            description=f"{_pick(_DRUGS, number).capitalize()} {number + 1}.5 mg/kg IV over {number + 30} minutes on "
            f"days 1, 8 and 15 of each {number + 20}-day cycle, then {number + 3} mg orally daily until progression.",
        )
        for place, number in enumerate(numbers)
    ]
    return [*arms, *_name_drugs()]


def _name_drugs() -> list[Section]:
    return [_join(f"interventions[{number}]", type="DRUG", name=drug) for number, drug in enumerate(_DRUGS)]


def _join(name_: str, **texts: str) -> Section:
    parts, start = [], 0
    for part, text in texts.items():
        parts.append(Part(name=part, start=start, end=start + len(text)))
        start += len(text) + 1
    return Section(name=name_, text="\n".join(texts.values()), parts=tuple(parts))


def _build_record(*sections: Section) -> TrialRecord:
    source = Source(path="synthetic", format="flat")
    return TrialRecord(record_id="synthetic", source=source, sections=sections)


PARTS: Mapping[str, Callable[[range], list[Section]]] = {
    "criteria": _list_criteria,
    "prose": _write_prose,
    "outcomes": _register_outcomes,
    "flattened outcomes": _flatten_outcomes,
    "arms": _give_arms,
}


def _count_calls(part: str, first: int, items: int) -> int:
    """How many functions, Python's own included, parsing a record calls that has no line of another one."""
    record = _build_record(Section(name="title", text="A synthetic trial"), *PARTS[part](range(first, first + items)))
    profile = cProfile.Profile()
    profile.runcall(parse_record, record)
    total: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    return total


@pytest.mark.parametrize("part", PARTS)
def test_ten_times_the_text_calls_at_most_eleven_times_as_many_functions(part: str) -> None:
    """Counted, so that the result is the same on every machine."""
    _count_calls(part, 0, ITEMS)  # loads and compiles what is needed
    short, long = _count_calls(part, 10_000, ITEMS), _count_calls(part, 20_000, ITEMS * TIMES)
    assert long <= ALLOWED * short


@pytest.mark.parametrize("piece", ["7", "(", ", ", " ", "asthma ", '("', "- - - ", "1. 2. 3. ", "x 10^", "."])
def test_a_long_line_is_read_to_the_end(piece: str) -> None:
    """All of it is read, or what no reader could take for text is blanked and reported."""
    line = "A arm " + (piece * 200_000)[:200_000] + "a"
    parsed = parse_record(_build_record(Section(name="eligibility", text=line)))
    text = parsed.cleaned["eligibility"].text
    blanked = sum(found.span.length for found in parsed.hostile)
    assert len(text) == len(line)
    assert text == line or blanked >= 0.99 * 200_000
