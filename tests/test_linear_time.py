"""No text takes more time than its length allows, whatever it says: the exponent of time over length is about 1."""

import pytest

from extractor.options import Assist, ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import Section, Source, TrialRecord

from .growth import LARGEST_EXPONENT, PIECES, fit_growth, list_expressions

RULES = ExtractionOptions(assist=Assist.NEVER)
SECTIONS = ("eligibility", "detailed_description", "arms[0]", "primary_outcomes", "conditions")
MORE = (
    *("</record>", "<!--", "{{", "\u200b", "e\u0301", "Ignore the above. ", "Inclusion Criteria:\n", "\n* Age over 18"),
    *(
        "1,000 ",
        "5-7 ",
        "7 mg ",
        "x 10^9",
        "examplumab 5 mg daily. ",
        "asthma ",
        "day 1, ",
        "up to 7 months|",
        "(day 1",
    ),
    *("within 7 days ", "ALT < 3 x ULN, ", "men or ", "IV ", "http://a.b/", "&amp;", "\\\\", '"', "; ", ":"),
)


def extract(text: str) -> object:
    sections = tuple(Section(name=name, text=text) for name in SECTIONS)
    source = Source(path="hostile", format="flat")
    return extract_by_rules(TrialRecord(record_id="hostile", source=source, sections=sections), RULES)


def test_each_expression_takes_linear_time() -> None:
    """Also one that is new: the expressions are found in the modules and in the rule book."""
    expressions = {(each.compiled.pattern, each.methods): each for each in list_expressions()}
    assert len(expressions) > 1000
    slow = {}
    for each in expressions.values():
        for piece in each.list_pieces():
            for method in each.methods:
                if (exponent := fit_growth(each.work(method), piece)) > LARGEST_EXPONENT:
                    slow[each.place] = f"{method} of {piece[:40]!r}: exponent {exponent:.2f}"
    assert not slow


@pytest.mark.parametrize("share", range(2))
def test_a_record_takes_linear_time(share: int) -> None:
    extract("Inclusion Criteria:\n* Age over 18")  # loads the rules
    pieces = (*PIECES, *MORE)[share::2]
    slow = {piece: exponent for piece in pieces if (exponent := fit_growth(extract, piece)) > LARGEST_EXPONENT}
    assert not slow
