"""Extraction costs what the length of a text costs. No time is asserted: it depends on the
machine.
"""

import cProfile
import pstats

import pytest

from extractor.concepts.parse import parse_record
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialRecord

from .trust import trial

pytestmark = pytest.mark.slow

ITEMS = 20
TIMES = 10
ALLOWED = 11
"""10 times the text may take at most 11 times as much."""
_DRUGS = (
    "examplumab",
    "testatinib",
    "mocaxel",
    "sampletide",
    "trialomycin",
    "fauxparib",
    "demosartan",
)
_CRITERIA = """\
* Age {n} to {m} years
* Adequate liver function, as shown by a platelet count of at least {n}.5 x 10^9/L
* {drug} within {n} weeks before the first dose, or heart surgery
* Suspected kidney disease number {n}, or an infection with fever
"""
_PROSE = """\
Participants of group {n} receive {drug} {m} mg by mouth twice daily for {n} weeks, then the thyroid is examined
again on day {m}. They are eligible if the ferritin is above {n}.

"""
_FLATTENED = (
    "Change in albumin of part {n}, Taken from serum, by ELISA., up to {m} months|"
)
_OUTCOME = {
    "measure": "Change in creatinine of the bladder, part {n}",
    "description": "Measured in serum by ELISA from the start of treatment until death or day {n}.",
    "time_frame": "Baseline, week {n} and up to {m} months",
}
_ARM = {
    "label": "Cohort {n}: {drug}",
    "type": "EXPERIMENTAL",
    "description": "{drug} {n}.5 mg/kg IV over {m} minutes on days 1, 8 and 15 of each {m}-day cycle, then {n} mg "
    "orally once daily until progression.",
}


def fill(template: str, number: int) -> str:
    return template.format(n=number, m=number + 30, drug=_DRUGS[number % len(_DRUGS)])


def build_record(kind: str, numbers: range) -> TrialRecord:
    """A record with an item for each number in one of its parts: no line is that of another
    record.
    """
    drugs = [{"type": "DRUG", "name": drug} for drug in _DRUGS]
    if template := {"primary_outcomes": _OUTCOME, "arms": _ARM}.get(kind):
        items = [
            {part: fill(text, number) for part, text in template.items()}
            for number in numbers
        ]
        return trial(interventions=drugs, **{kind: items})
    name = {
        "criteria": "eligibility",
        "prose": "detailed_description",
        "flattened outcomes": "primary_outcomes",
    }[kind]
    lines = {"criteria": _CRITERIA, "prose": _PROSE, "flattened outcomes": _FLATTENED}[
        kind
    ]
    head = "Inclusion Criteria:\n" if kind == "criteria" else ""
    text = "".join(
        head * (number % 10 == 0) + fill(lines, number) for number in numbers
    )
    return trial(interventions=drugs, **{name: text.strip("|\n")})


def count_calls(record: TrialRecord) -> int:
    """How many functions, Python's own included, extracting a record calls."""
    profile = cProfile.Profile()
    profile.runcall(extract_by_rules, record, ExtractionOptions())
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    "kind", ["criteria", "prose", "primary_outcomes", "flattened outcomes", "arms"]
)
def test_ten_times_the_text_calls_at_most_eleven_times_as_many_functions(
    kind: str,
) -> None:
    """Counted, so that the result is the same on every machine."""
    extract_by_rules(
        build_record(kind, range(1, ITEMS)), ExtractionOptions()
    )  # loads and compiles what is needed
    short = count_calls(build_record(kind, range(1000, 1000 + ITEMS)))

    long = count_calls(build_record(kind, range(2000, 2000 + ITEMS * TIMES)))

    assert long <= ALLOWED * short


@pytest.mark.parametrize(
    "piece", ["7", "(", ", ", " ", "asthma ", '("', "- - - ", "1. 2. 3. ", "x 10^", "."]
)
def test_a_long_line_is_read_to_the_end(piece: str) -> None:
    """All of it is read, or what no reader could take for text is blanked and reported."""
    line = "A arm " + (piece * 200_000)[:200_000] + "a"

    parsed = parse_record(trial(eligibility=line))

    text = parsed.cleaned["eligibility"].text
    blanked = sum(found.span.length for found in parsed.hostile)
    assert len(text) == len(line)
    assert text == line or blanked >= 0.99 * 200_000
