"""Records and texts with lines in other languages, through the whole pipeline."""

import pytest

from extractor import Extractor
from extractor.schemas import AbsenceReason, FindingKind, Severity

ENGLISH = [
    "Inclusion criteria:",
    "1. Age 18 to 65 years",
    "2. ECOG 0-1",
    "3. Written informed consent",
    "Exclusion criteria:",
    "1. Pregnancy",
    "2. HbA1c > 9 %",
    "3. Smoking",
    "Primary outcome: Survival at 2 years",
]
CHINESE = [
    "纳入标准：",
    "1. 年龄18至65岁",
    "2. ECOG 0-1",
    "3. 签署知情同意书",
    "排除标准：",
    "1. 妊娠",
    "2. HbA1c > 9 %",
    "3. 吸烟",
    "主要结局：2年生存率",
]
GERMAN = [
    "Einschlusskriterien:",
    "1. Alter 18 bis 65 Jahre",
    "2. ECOG 0-1",
    "3. Schriftliche Einwilligung",
    "Ausschlusskriterien:",
    "1. Schwangerschaft",
    "2. HbA1c > 9 %",
    "3. Rauchen",
    "Primärer Endpunkt: Überleben nach 2 Jahren",
]
GREEK = [
    "Κριτήρια ένταξης:",
    "1. Ηλικία 18 έως 65 ετών",
    "2. ECOG 0-1",
    "3. Γραπτή συγκατάθεση",
    "Κριτήρια αποκλεισμού:",
    "1. Κύηση",
    "2. HbA1c > 9 %",
    "3. Κάπνισμα",
    "Πρωτεύον καταληκτικό σημείο: Επιβίωση στα 2 έτη",
]
SPANISH = [
    "Criterios de inclusión:",
    "1. Edad entre 18 y 65 años",
    "2. ECOG 0-1",
    "3. Consentimiento informado por escrito",
    "Criterios de exclusión:",
    "1. Embarazo",
    "2. HbA1c > 9 %",
    "3. Fumadores",
    "Variable principal: Supervivencia a los 2 años",
]
OTHERS = {"Chinese": CHINESE, "German": GERMAN, "Greek": GREEK, "Spanish": SPANISH}


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
        if sign.strip() or line != said
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


@pytest.mark.parametrize("place", ["before", "behind"])
def test_lines_in_two_scripts_side_by_side(place):
    pair = (CHINESE, ENGLISH) if place == "before" else (ENGLISH, CHINESE)
    english = [line for line in ENGLISH if line not in CHINESE]

    found = read("\n".join(join_lines(*pair, " ")))

    assert list_criteria(found) == list_criteria(read("\n".join(english)))


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


@pytest.mark.parametrize(
    "text",
    [
        "妊娠",
        "\u200f\u200fגיל 18 עד 65 שנים",
        "\u202e年龄18至65岁\u202c",
        "Inclusion criteria:\n- " + "年龄" * 3000,
        "Κριτήρια ένταξης: ενήλικες με άσθμα, ηλικίας 18 έως 65 ετών. " * 4,
        "A\u0301ge\u0301s de 18 a\u0300 65 ans\nFemmes enceintes ou allaitantes",
        "Inclusion criteria:\n- 😀 年龄１８至６５岁 👩‍⚕️\n- Age １８ to ６５ years",
        "Inclusion criteria:\n- سن بین ۱۸ تا ۶۵ سال\n- Age 18 to 65 years",
        "อายุ 18 ถึง 65 ปี\r\n\r\nไตวายรุนแรง\x00",
    ],
)
def test_any_script_is_read_or_told_and_nothing_breaks(text):
    found = read(text)

    assert found.findings
