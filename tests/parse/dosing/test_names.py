"""Agents' names as interventions carry them, and mentions of agents in text."""

import pytest

from extractor.parse.dosing.agents import build_lexicon
from extractor.parse.dosing.names import is_given, split_names, trim_name
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
    ],
)
def test_a_name_is_trimmed_to_the_agent(text: str, expected: str) -> None:
    bounds = trim_name(text, 0, len(text))
    assert bounds is not None
    assert text[slice(*bounds)] == expected


@pytest.mark.parametrize("text", ["Arm A", "Intravenous", "Cohort 2", "300 mg"])
def test_a_label_without_an_agent_has_no_name(text: str) -> None:
    assert trim_name(text, 0, len(text)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rituximab + EX-1", ["rituximab", "EX-1"]),
        ("cyclophosphamide and fludarabine", ["cyclophosphamide", "fludarabine"]),
        ("shampoo and conditioner", ["shampoo and conditioner"]),
        ("EX1021, EX8001", ["EX1021", "EX8001"]),
    ],
)
def test_joined_names_are_split(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in split_names(text, 0, len(text))] == expected


@pytest.mark.parametrize("text", ["Blood sampling", "Quality-of-life assessment", "laboratory biomarker analysis"])
def test_tests_and_surveys_are_not_given(text: str) -> None:
    assert not is_given(text)


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
    ],
)
def test_mentions(text: str, expected: list[str]) -> None:
    lexicon = build_lexicon([name_passage("Examplumab")])
    assert [mention.value.key for mention in lexicon.find(read_text(text), "arms[0]")] == expected
