"""Which lines are in another language. ``languages.toml`` has invented criteria, each of which
stands alone.
"""

import tomllib
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.language.book import read_table
from extractor.language.other_languages import blank_ranges, find_foreign, hide_foreign

LINES = {
    name: text.strip().splitlines()
    for name, text in tomllib.loads(
        Path(__file__).with_name("languages.toml").read_text("utf-8")
    ).items()
}
SHARED = read_table("language_signs")["shared"]
ENGLISH = """
ECOG 0-1
Diabetes mellitus
Carcinoma in situ
HbA1c > 7 %
Sjögren syndrome or Behçet disease
Ménière's disease
Guillain-Barré syndrome
von Willebrand disease
De novo AML
Torsade de pointes
Placenta praevia
Café au lait macules
Status epilepticus, grand mal or petit mal
Herpes zoster
Ductus arteriosus persistens
β2-agonists, TNF-α inhibitors or µ-opioid agonists
Ki-67 ≥ 14 %
eGFR < 30 mL/min/1.73 m²
Sofosbuvir/velpatasvir
Pembrolizumab 200 mg IV
Naïve T cells
Hôpital Saint-Louis, Paris
El Paso, Los Angeles and San Juan
WOMAC, CES-D, DAN-PSS
Allo-HSCT
Alter ego therapy
Body mass index (身高体重指数) ≥ 18.5
Subjects with a body mass index (ΒΜΙ) ≥ 18.5
Traditional Chinese medicine (中药) within 4 weeks
Age ≥ １８ years
""".strip().splitlines()


def find_in(text: str) -> list[str]:
    spans = find_foreign([("eligibility", text)]).texts
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize("line", ENGLISH)
def test_english_and_names_are_no_other_language(line):
    assert find_in(line) == []


@pytest.mark.parametrize("language", LINES)
def test_lines_that_stand_alone_are_found_and_most_languages_named(language):
    names = []
    for line in LINES[language]:
        texts = find_foreign([("eligibility", line)]).texts
        assert texts, line
        names += [text.language for text in texts]

    script = read_table("languages").get(language, {}).get("script", "")
    right = {language, SHARED.get(script)}
    wrong = [name for name in names if name not in right]
    assert len(wrong) <= 1


@pytest.mark.parametrize("language", LINES)
def test_a_block_beside_english_is_found_whole_under_one_name(language):
    english = [
        "Inclusion criteria:",
        "- Women with asthma",
        "- ECOG 0-1",
        "- Diabetes mellitus",
    ]
    block = [f"- {line}" for line in LINES[language]]
    text = "\n".join([*english, *block])

    found = find_foreign([("eligibility", text)])

    assert [text[span.start : span.end] for span in found.texts] == block
    assert found.texts[0].language in (
        language,
        SHARED.get(read_table("languages").get(language, {}).get("script")),
    )
    assert found.untranslated == frozenset()


@pytest.mark.parametrize("name", read_table("languages"))
def test_examples_of_the_rule_book(name):
    given = read_table("languages")[name]
    for example in given["examples"]:
        [found] = find_foreign([("eligibility", example)]).texts
        assert found.language in (name, SHARED.get(given.get("script")))


GERMAN = [
    "Einschlusskriterien:",
    "- Alter 18 bis 65 Jahre",
    "- ECOG 0-1",
    "- Bluthochdruck",
    "- Gehfähig",
]
TRANSLATED = [
    "Inclusion criteria:",
    "- Aged 18 to 65 years",
    "- ECOG 0-1",
    "- High blood pressure",
    "- Able to walk",
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
def test_lines_that_say_nothing_of_a_language_follow_those_around_them(lines):
    left = hide_foreign("\n".join(lines)).split("\n")

    assert [line for line in left if line.strip()] == TRANSLATED


def test_a_line_written_once_is_kept_where_lines_take_turns():
    lines = [
        "- Adults with asthma",
        "- Erwachsene mit Asthma",
        "- ECOG 0-1",
        "- No pregnancy",
        "- Keine Schwangerschaft",
    ]

    assert find_in("\n".join(lines)) == [lines[1], lines[4]]


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
    ],
)
def test_a_line_in_two_scripts_is_divided(line, left):
    assert " ".join(hide_foreign(line).split()) == left


@pytest.mark.parametrize(
    "form",
    [
        "{english} / {german}",
        "{german} / {english}",
        "{english} ({german})",
        "{english} | {german}",
    ],
)
def test_a_line_in_two_languages_of_one_script_is_divided(form):
    pairs = [
        ("Aged 18 to 65 years", "Alter 18 bis 65 Jahre"),
        ("Informed consent given", "Schriftliche Einwilligung"),
    ]
    text = "\n".join(
        "- " + form.format(english=english, german=german) for english, german in pairs
    )

    left = [" ".join(line.split()) for line in hide_foreign(text).split("\n")]

    assert left == ["- Aged 18 to 65 years", "- Informed consent given"]


def test_names_in_lists_of_arms_and_outcomes_are_kept_beside_other_languages():
    sections = [
        ("arms[0]", "Fictumab"),
        ("arms[1]", "Los pacientes recibirán el tratamiento"),
        ("arms[2]", "Tabletas dos veces al día"),
    ]

    assert [span.section for span in find_foreign(sections).texts] == [
        "arms[1]",
        "arms[2]",
    ]


def test_a_section_without_any_english_but_its_headings_is_untranslated():
    spanish = "Inclusion Criteria:\n* Mujeres con asma\n* HbA1c > 7 %\n* Edad mayor de 18 años"
    found = find_foreign([("title", "Asthma in women"), ("eligibility", spanish)])

    assert found.untranslated == {"eligibility"}
    assert len(found.texts) == 3


def test_what_is_hidden_between_words_of_a_line_ends_the_sentence():
    assert blank_ranges("Pain. Schmerz. Sleep", [(6, 15)]) == "Pain. \n       \nSleep"


SEVERAL = st.lists(
    st.sampled_from([*chain.from_iterable(LINES.values()), *ENGLISH])
).map("\n".join)


@given(st.text(max_size=200) | SEVERAL)
def test_any_text_keeps_its_length_and_its_lines(text):
    spans = find_foreign([("eligibility", text)]).texts

    assert len(hide_foreign(text)) == len(text)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert "\n" not in text[span.start : span.end]
    for before, after in pairwise(spans):
        assert before.end <= after.start
