"""Where the quote of a dose begins and ends."""

import pytest

from extractor.parse.dosing import read_statements
from extractor.parse.dosing.agents import build_lexicon
from extractor.parse.dosing.facts import Statement
from extractor.parse.dosing.merging import merge_statements
from extractor.parse.dosing.passages import list_passages
from extractor.parse.dosing.quote_ends import describe_ends, fit_ends
from extractor.parse.dosing.quote_starts import describe_starts
from extractor.schemas import Section, Source, TrialRecord
from extractor.text.passage import read_section

from .records import give, make_section, read


def _statements(section: Section) -> tuple[Statement, ...]:
    record = TrialRecord(record_id="T1", source=Source(path="t", format="flat"), sections=(section,))
    groups, descriptions = list_passages(record, {section.name: read_section(section.name, section.text)})
    return merge_statements(read_statements(groups, descriptions, build_lexicon(groups, descriptions)))


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


def test_a_quote_may_go_on_in_the_next_sentence_with_what_it_says_of_the_dose() -> None:
    text = "Examplumab IV over 1 hour on days 1 and 8. Courses repeat every 21 days in the absence of progression."
    section = make_section("interventions[0]", type="DRUG", name="Examplumab", description=text)
    (statement,) = _statements(section)
    start = section.text.index("IV over")
    end = section.text.index(" in the absence")
    assert start in [place for place, _ in describe_starts(statement)]
    assert end in [place for place, _ in describe_ends(statement)]


def test_the_end_knows_which_brackets_the_quote_has_opened() -> None:
    section = make_section(
        "interventions[0]", type="DRUG", name="Examplumab", description="Examplumab (5 mg IV) weekly"
    )
    (statement,) = _statements(section)
    place, inside = section.text.index(") weekly"), section.text.index("5 mg")
    ends = describe_ends(statement)
    closed = dict(fit_ends(statement, ends, inside))[place]
    opened = dict(fit_ends(statement, ends, inside - len("Examplumab (")))[place]
    assert "e:start in bracket closes" in closed
    assert "e:unclosed" in opened
