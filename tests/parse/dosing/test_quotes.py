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


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("They take a single intravenous injection of 5 mg.", "a single intravenous injection of 5 mg"),
        ("They get a dose of 5 mg twice daily.", "5 mg twice daily"),
        ("Once weekly, subcutaneous injection of 5 mg.", "Once weekly, subcutaneous injection of 5 mg"),
    ],
)
def test_words_that_say_which_dose_it_is_open_the_quote(description: str, expected: str) -> None:
    assert quote_of(description) == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("They receive Examplumab 5 mg twice daily.", "Examplumab 5 mg twice daily"),
        ("Examplumab 5 mg twice daily.", "5 mg twice daily"),
        ("They receive 5 mg of Examplumab twice daily.", "5 mg of Examplumab twice daily"),
        ("Examplumab capsules taken twice daily.", "Examplumab capsules taken twice daily"),
        ("Administered orally.", "Administered orally"),
    ],
)
def test_the_name_is_quoted_in_the_middle_of_a_sentence_and_where_there_is_no_amount(
    description: str, expected: str
) -> None:
    assert quote_of(description) == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("5 mg IV infusion over 30 minutes in the clinic.", "5 mg IV infusion over 30 minutes"),
        ("5 mg subcutaneously (SC) weekly", "5 mg subcutaneously (SC) weekly"),
        ("5 mg of Examplumab or placebo twice daily", "5 mg of Examplumab or placebo twice daily"),
    ],
)
def test_a_quote_ends_behind_all_that_is_said_of_the_giving(description: str, expected: str) -> None:
    assert quote_of(description) == expected


def test_a_quote_goes_on_in_the_next_sentence_with_how_the_dose_is_given() -> None:
    assert quote_of("5 mg weekly. It is given subcutaneously.") == "5 mg weekly. It is given subcutaneously"
    assert quote_of("5 mg weekly. Treatment lasts 12 weeks.") == "5 mg weekly"


_ARM = make_section(
    "arms[0]", label="Treatment", type="EXPERIMENTAL", description="Examplumab 300 mg IV on days 1 and 8 for 6 weeks"
)
