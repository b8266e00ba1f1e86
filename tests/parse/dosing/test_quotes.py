"""Where the quote of a dose begins and ends."""

import pytest

from .records import give, make_section, read


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("300 mg subcutaneously every 4 weeks.", "300 mg subcutaneously every 4 weeks"),
        ("Participants will receive 300 mg IV every 3 weeks.", "300 mg IV every 3 weeks"),
        ("Level 1: 10 mg IV, level 2: 20 mg IV, level 3: 40 mg IV", "10 mg IV, level 2: 20 mg IV, level 3: 40 mg"),
        ("They get a dose of 5 mg twice daily.", "5 mg twice daily"),
        ("Once weekly, subcutaneous injection of 5 mg.", "Once weekly, subcutaneous injection of 5 mg"),
        ("Examplumab 5 mg twice daily.", "5 mg twice daily"),
        ("They receive 5 mg of Examplumab twice daily.", "5 mg of Examplumab twice daily"),
        ("Examplumab capsules taken twice daily.", "Examplumab capsules taken twice daily"),
        ("5 mg subcutaneously (SC) weekly", "5 mg subcutaneously (SC) weekly"),
        ("5 mg weekly. Treatment lasts 12 weeks.", "5 mg weekly"),
    ],
)
def test_a_quote_is_the_phrase_about_the_dose(description: str, expected: str) -> None:
    section = make_section("interventions[0]", type="DRUG", name="Examplumab", description=description)
    quote = read(section).regimens[0].span
    assert section.text[quote.start : quote.end] == expected


def test_agents_of_one_sentence_have_separate_quotes() -> None:
    first, second = give("Cisplatin 75 mg/m2 IV and gemcitabine 1000 mg/m2 IV on day 1", name="Chemotherapy")
    assert first.span.end <= second.span.start
