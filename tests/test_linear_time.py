"""No text takes more time than its length allows, whatever it says: the exponent of time over length is about 1."""

import pytest

from extractor.options import Assist, ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import Section, Source, TrialRecord

from .growth import LARGEST_EXPONENT, PIECES, fit_growth, list_expressions

SHARES = 4


@pytest.mark.parametrize("share", range(SHARES))
def test_each_expression_takes_linear_time(share: int) -> None:
    expressions = {(each.compiled.pattern, each.compiled.flags): each for each in list_expressions()}
    slow = {}
    for each in [*expressions.values()][share::SHARES]:
        for piece in each.list_pieces():
            for method in each.methods:
                if (exponent := fit_growth(each.work(method), piece)) > LARGEST_EXPONENT:
                    slow[each.place] = f"{method} of {piece[:40]!r}: exponent {exponent:.2f}"
    assert not slow
