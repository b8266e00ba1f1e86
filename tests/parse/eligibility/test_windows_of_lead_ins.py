from itertools import count

from extractor.parse.eligibility import read_eligibility
from extractor.text.passage import read_section


def test_a_criterion_has_the_window_of_the_line_that_introduces_it_unless_it_has_its_own():
    text = "Exclusion Criteria:\n\n* Within 4 weeks before screening:\n\n  * digoxin\n  * warfarin in the last 6 months"
    parsed = read_eligibility({"eligibility": read_section("eligibility", text)}, count())
    windows = {one.chunk.text: one.time_window.value for one in parsed.criteria if one.stands.value}
    assert windows["digoxin"].value == 4
    assert windows["warfarin in the last 6 months"].value == 6
