"""The live line of a long run."""

from extractor.run.progress import _list_figures
from extractor.run.tally import Tally


def test_the_live_line_shows_records_rate_and_time():
    tally = Tally(extracted=8, failed=2, resumed=10)
    figures = list(_list_figures(tally, 30.0))
    assert figures == ["20 records (8 new)", "0.3/s", "30 s", "2 failed"]
