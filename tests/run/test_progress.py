"""The live line of a long run."""

import pytest

from extractor.run.progress import _list_figures
from extractor.run.tally import Tally
from extractor.schemas import Usage


@pytest.mark.parametrize(
    ("total", "left"), [(None, []), (40, ["60 s left of 40 records"])]
)
def test_the_live_line_shows_rate_and_time_and_the_time_left_if_known(total, left):
    tally = Tally(extracted=8, failed=2, resumed=10, total=total)
    shown = ["20 records (8 new)", "0.3/s", "30 s", *left, "2 failed"]
    assert list(_list_figures(tally, 30.0)) == shown
    tally.meter = lambda: Usage(calls=1, prompt_tokens=1200, output_tokens=34)
    tally.price = lambda _: 0.25
    shown += ["1,234 tokens", "$0.2500"]
    assert list(_list_figures(tally, 30.0)) == shown
