"""Agents' names as interventions carry them, and mentions of agents in text."""

import pytest

from extractor.parse.dosing.agents import build_lexicon
from extractor.parse.dosing.names import find_general, is_given, split_names, trim_name
from extractor.parse.dosing.passages import Passage
from extractor.parse.parsed import ChunkKind
from extractor.text.book import read_text


def name_passage(name: str) -> Passage:
    return Passage("interventions[0]", ChunkKind.INTERVENTION, read_text(name), (0, len(name)), (0, 0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Examplumab 300 mg", "Examplumab"),
        ("25 mcg wasp venom", "wasp venom"),
        ("Oral budesonide tablets", "budesonide"),
        ("doxorubicin hydrochloride", "doxorubicin hydrochloride"),
        ("Examplumab therapy", "Examplumab"),
        ("Part 1: Examplumab", "Examplumab"),
        ("Examplumab (EX-1)", "Examplumab"),
        ("CAR-T cells targeting CD19", "CAR-T cells"),
        ("Examplumab, solution for injection", "Examplumab"),
        ("examplumab administered to adults", "examplumab"),
        ("fictogestrel patch with estradiol", "fictogestrel"),
        ("Examplium acid 50 mg/capsule", "Examplium acid"),
        ("0.14 mg/kg examplocybin", "examplocybin"),
        ("Examplumab by Example Pharma", "Examplumab"),
        ("Examplumab Only Product in Oral Dose Form", "Examplumab"),
        ("Induction of labor with examplostone", "examplostone"),
        ("R2-Total community treatment with examplomycin", "examplomycin"),
        ("Examplum oil rich in gamma tocopherol", "Examplum oil rich in gamma tocopherol"),
        ("Lactobacillus exampli EX 17938", "Lactobacillus exampli EX 17938"),
        ("Examplum Toxin Type A", "Examplum Toxin Type A"),
        ("examplomycin eye drops", "examplomycin eye drops"),
    ],
)
def test_a_name_is_trimmed_to_the_agent(text: str, expected: str) -> None:
    tokens = read_text(text)
    place = trim_name(tokens, 0, len(tokens))
    assert place is not None
    assert tokens.read(*place) == expected


@pytest.mark.parametrize("text", ["Arm A", "Intravenous", "Cohort 2", "300 mg"])
def test_a_label_without_an_agent_has_no_name(text: str) -> None:
    tokens = read_text(text)
    assert trim_name(tokens, 0, len(tokens)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rituximab + EX-1", ["rituximab", "EX-1"]),
        ("cyclophosphamide and fludarabine", ["cyclophosphamide", "fludarabine"]),
        ("shampoo and conditioner", ["shampoo and conditioner"]),
        ("EX1021, EX8001", ["EX1021", "EX8001"]),
        ("placebo and rituximab", ["placebo", "rituximab"]),
        ("placebo for rituximab and cisplatin", ["placebo for rituximab and cisplatin"]),
    ],
)
def test_joined_names_are_split(text: str, expected: list[str]) -> None:
    tokens = read_text(text)
    assert [tokens.read(*place) for place in split_names(tokens, 0, len(tokens))] == expected


@pytest.mark.parametrize("text", ["Blood sampling", "Quality-of-life assessment", "laboratory biomarker analysis"])
def test_tests_and_surveys_are_not_given(text: str) -> None:
    tokens = read_text(text)
    assert not is_given(tokens, 0, len(tokens))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fictinib with fictolol and fictosartan", ["fictinib", "fictolol", "fictosartan"]),
        ("laparoscopic cholecystectomy", ["laparoscopic cholecystectomy"]),
        ("autologous CD20-specific T-cells", ["autologous CD20-specific T-cells"]),
        ("T cell lymphoma", []),
        ("PLACEBO_COMPARATOR", []),
        ("diluted in normal saline", []),
        ("30 mL of normal saline", ["normal saline"]),
        ("April to June", []),
        ("receive a vaccine", []),
        ("hepatitis B vaccine", ["hepatitis B vaccine"]),
    ],
)
def test_what_any_text_may_name(text: str, expected: list[str]) -> None:
    tokens = read_text(text)
    assert [tokens.read(first, end) for _, first, end in find_general(tokens)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("examplumab or placebo", ["examplumab", "placebo"]),
        ("placebo for examplumab", ["placebo"]),
        ("examplumab placebo", ["placebo"]),
        ("rituximab and prednisone", ["rituximab", "prednisone"]),
        ("placebo-controlled study", []),
        ("filgrastim (G-CSF) daily", ["filgrastim"]),
        ("EX-4 (doxorubicin 20 mg, vincristine 1 mg)", ["doxorubicin", "vincristine"]),
        ("formoterol/budesonide 2 puffs", ["formoterol/budesonide"]),
        ("patients receive oral EX-12 daily", ["ex 12"]),
        ("sham examplumab", ["sham examplumab"]),
        ("trimethoprim-examplazole 5 mg", ["trimethoprim examplazole"]),
        ("rituximab-treated patients", ["rituximab"]),
        ("Examplumab_50mg", []),
        ("patches of EXAMPLUMAB®", ["examplumab"]),
    ],
)
def test_mentions(text: str, expected: list[str]) -> None:
    lexicon = build_lexicon([name_passage("Examplumab")])
    assert [mention.value.key for mention in lexicon.find(read_text(text), "arms[0]")] == expected
