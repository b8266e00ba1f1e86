"""Agents' names as interventions carry them, and mentions of agents in text."""

import pytest

from extractor.parse.dosing.names import trim_name
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
