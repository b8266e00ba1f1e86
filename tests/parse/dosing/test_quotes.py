"""Where the quote of a dose begins and ends."""

import pytest

from .records import give, make_section, read


def quote_of(description: str, name: str = "Examplumab") -> str:
    section = make_section("interventions[0]", type="DRUG", name=name, description=description)
    regimen = read(section).regimens[0]
    return section.text[regimen.quote.start : regimen.quote.end]


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("300 mg subcutaneously every 4 weeks.", "300 mg subcutaneously every 4 weeks"),
        ("Participants will receive 300 mg IV every 3 weeks.", "300 mg IV every 3 weeks"),
        ("25 mg orally twice daily for 12 weeks", "25 mg orally twice daily for 12 weeks"),
    ],
)
def test_a_quote_is_the_phrase_about_the_dose(description: str, expected: str) -> None:
    assert quote_of(description) == expected


def test_a_quote_holds_all_doses_of_a_list() -> None:
    quoted = quote_of("Dose level 1: 10 mg IV, dose level 2: 20 mg IV, dose level 3: 40 mg IV")
    assert "10 mg" in quoted
    assert "40 mg" in quoted


def test_agents_of_one_sentence_have_quotes_of_their_own() -> None:
    first, second = give("Cisplatin 75 mg/m2 IV and gemcitabine 1000 mg/m2 IV on day 1", name="Chemotherapy")
    assert first.quote.end <= second.quote.start


def test_the_anchor_without_a_dose_is_the_first_mark() -> None:
    assert quote_of("Given orally.").endswith("orally")
