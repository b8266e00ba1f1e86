"""Which lines are in another language."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.language.other_languages import find_foreign, hide_foreign

LINES = {
    "German": "Patienten im Alter von 18 bis 65 Jahren\nSchwangerschaft oder Stillzeit\nRauchen",
    "French": "Antécédents de maladie cardiaque\nFemmes enceintes ou allaitantes\nHbA1c > 7 %",
    "Spanish": "Hombres y mujeres de 18 a 65 años\nECOG 0-1\nEmbarazo",
    "Italian": "Donne in gravidanza o in allattamento\nConsenso informato scritto\nFumatori",
    "Portuguese": "Mulheres grávidas ou em amamentação\nDoença hepática crônica",
    "Dutch": "Leeftijd tussen 18 en 65 jaar\nZwangerschap",
    "Greek": "Ηλικία 18 έως 65 ετών\nΚύηση\nFEV1 κάτω από 80 %",
    "a language in Cyrillic letters": "Возраст от 18 до 65 лет\nКурение",
    "a language in Arabic letters": "سن بین ۱۸ تا ۶۵ سال",
    "Chinese": "年龄18至65岁\nFEV1低于80%\n妊娠",
    "Japanese": "18歳以上65歳以下の患者",
    "Korean": "중증 신부전 환자",
    "Hebrew": "גיל 18 עד 65 שנים",
    "Thai": "อายุ 18 ถึง 65 ปี",
}
ENGLISH = """
ECOG 0-1
Carcinoma in situ
Sjögren syndrome or Behçet disease
Ménière's disease
von Willebrand disease
De novo AML
Café au lait macules
β2-agonists, TNF-α inhibitors or µ-opioid agonists
eGFR < 30 mL/min/1.73 m²
Hôpital Saint-Louis, Paris
El Paso, Los Angeles and San Juan
Alter ego therapy
Body mass index (身高体重指数) ≥ 18.5
Subjects with a body mass index (ΒΜΙ) ≥ 18.5
Traditional Chinese medicine (中药) within 4 weeks
Age ≥ １８ years
""".strip().splitlines()


def find_in(text, section="eligibility"):
    return [
        text[found.start : found.end] for found in find_foreign([(section, text)]).texts
    ]


@pytest.mark.parametrize("line", ENGLISH)
def test_english_and_names_are_no_other_language(line):
    assert find_in(line) == []


@pytest.mark.parametrize("language", LINES)
def test_a_list_is_found_alone_and_beside_english(language):
    english = ["Inclusion criteria:", "- Women with asthma", "- ECOG 0-1"]
    block = [f"- {line}" for line in LINES[language].splitlines()]

    found = find_foreign([("eligibility", "\n".join([*english, *block]))])

    assert find_in("\n".join(block)) == block
    assert find_in("\n".join([*english, *block])) == block
    assert {text.language for text in found.texts} == {language}
    assert found.untranslated == frozenset()


GERMAN = [
    "Einschlusskriterien:",
    "- ECOG 0-1",
    "- Alter 18 bis 65 Jahre",
    "- HbA1c > 7 %",
]
TRANSLATED = [
    "Inclusion criteria:",
    "- ECOG 0-1",
    "- Aged 18 to 65 years",
    "- HbA1c > 7 %",
]
PAIRS = list(zip(TRANSLATED, GERMAN, strict=True))


@pytest.mark.parametrize(
    "lines",
    [
        [*GERMAN, *TRANSLATED],
        [*TRANSLATED, *GERMAN],
        [line for pair in PAIRS for line in pair],
        [line for english, german in PAIRS for line in (german, english)],
    ],
    ids=["first", "second", "below each line", "above each line"],
)
def test_lines_that_show_no_language_follow_those_around_them(lines):
    left = hide_foreign("\n".join(lines)).split("\n")
    assert [line for line in left if line.strip()] == TRANSLATED


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("1. 年龄18至65岁 Age 18 to 65 years", "1. Age 18 to 65 years"),
        ("1. Age 18 to 65 years 年龄18至65岁", "1. Age 18 to 65 years"),
        ("Age 18 to 65 years / 年龄18至65岁", "Age 18 to 65 years"),
        ("Aged 18 to 65 years（年龄18至65岁）", "Aged 18 to 65 years"),
        ("FEV1低于80% FEV1 below 80 %", "FEV1 below 80 %"),
        ("FEV1 below 80 % FEV1低于80%", "FEV1 below 80 %"),
        ("妊娠 Pregnancy", "Pregnancy"),
        ("- Возраст 18-65 лет / Age 18-65 years", "- Age 18-65 years"),
        ("Inclusion criteria(纳入标准):", "Inclusion criteria"),
        ("- Aged 18 years / Alter 18 Jahre oder mehr", "- Aged 18 years"),
        ("- Alter 18 Jahre oder mehr | Aged 18 years", "- Aged 18 years"),
        ("- Aged 18 years (Alter 18 Jahre oder mehr)", "- Aged 18 years"),
    ],
)
def test_a_line_in_two_languages_is_divided(line, left):
    assert " ".join(hide_foreign(line).split()) == left


def test_a_section_without_any_english_but_its_headings_is_untranslated():
    spanish = (
        "Inclusion Criteria:\n* Mujeres embarazadas\n* HbA1c > 7 %\n* Mayor de 18 años"
    )
    found = find_foreign([("title", "Asthma in women"), ("eligibility", spanish)])

    assert found.untranslated == {"eligibility"}
    assert len(found.texts) == 3


PIECES = [*ENGLISH, *"\n".join(LINES.values()).splitlines()]


@given(st.text(max_size=200) | st.lists(st.sampled_from(PIECES)).map("\n".join))
def test_any_text_keeps_its_length_and_its_lines(text):
    spans = find_foreign([("eligibility", text)]).texts

    assert len(hide_foreign(text)) == len(text)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert "\n" not in text[span.start : span.end]
    for before, after in pairwise(spans):
        assert before.end <= after.start
