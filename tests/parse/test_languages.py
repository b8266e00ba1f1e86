"""Records and texts with lines in other languages, through the whole pipeline."""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.schemas import AbsenceReason, FindingKind, Severity

OTHERS = tomllib.loads(Path(__file__).with_name("languages.toml").read_text("utf-8"))
ENGLISH = OTHERS.pop("English")


def read(text):
    return Extractor(effort="none").extract_text(text)


def list_criteria(extraction):
    return [
        (criterion.kind.value, criterion.quote)
        for criterion in extraction.eligibility.criteria
    ]


def list_findings(extraction):
    return [
        finding
        for finding in extraction.findings
        if finding.kind is FindingKind.LANGUAGE_OTHER
    ]


def join_turns(turns, other):
    pairs = zip(turns, other, strict=True)
    return [turn for pair in pairs for turn in pair]


def join_lines(lines, other, sign):
    return [
        f"{line}{sign}{said.partition('. ')[2] or said}"
        for line, said in zip(lines, other, strict=True)
    ]


LAYOUTS = {
    "other list first": lambda other: [*other, *ENGLISH],
    "other list second": lambda other: [*ENGLISH, *other],
    "below each line": lambda other: join_turns(ENGLISH, other),
    "above each line": lambda other: join_turns(other, ENGLISH),
    "slash": lambda other: join_lines(ENGLISH, other, " / "),
    "slash, other first": lambda other: join_lines(other, ENGLISH, " / "),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("language", OTHERS)
def test_beside_its_translation_the_english_text_is_read_as_if_it_stood_alone(
    language, layout
):
    alone = read("\n".join(ENGLISH))

    both = read("\n".join(LAYOUTS[layout](OTHERS[language])))

    assert list_criteria(both) == list_criteria(alone)
    assert [(endpoint.measure, endpoint.time_frame) for endpoint in both.endpoints] == [
        ("Survival", "at 2 years")
    ]
    assert both.eligibility.minimum_age == alone.eligibility.minimum_age
    [finding] = list_findings(both)
    assert f"in {language}" in finding.message
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize("language", OTHERS)
def test_a_text_wholly_in_another_language_gives_no_values_and_says_so(language):
    found = read("\n".join(OTHERS[language]))

    assert found.eligibility.criteria == ()
    assert found.dosing == ()
    assert found.endpoints == ()
    [finding] = list_findings(found)
    assert finding.message.startswith(f"9 lines in {language}")
    assert finding.severity is Severity.WARNING
    assert {absence.reason for absence in found.absences} == {
        AbsenceReason.OTHER_LANGUAGE
    }


def test_a_long_line_in_another_script_is_a_finding():
    assert read("Inclusion criteria:\n- " + "年龄" * 3000).findings
