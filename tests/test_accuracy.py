"""The rules stay as right as they were: no figure of the gold falls below the interval that is committed.

The gold holds no text; the records are data beside the checkout. Where they are absent, nothing can be measured.
"""

from pathlib import Path

import pytest

from benchmarks.gold.figures import GROUPS, measure_figures, read_figures
from extractor.read import read_records

SHARED = Path(__file__).parents[2] / "shared"
SOURCES = ("gold/records", "data/records")


@pytest.fixture(scope="module")
def figures():
    if not all((SHARED / source).exists() for source in SOURCES):
        pytest.skip("needs the shared records")
    return measure_figures(
        read_records(*(SHARED / source for source in SOURCES), on_error=lambda _: None), resamples=20
    )


@pytest.mark.parametrize("group", GROUPS)
def test_no_field_is_below_its_committed_interval(figures, group):
    committed, now = read_figures()[group], figures[group]
    assert now["records"] == committed["records"]
    fallen = {
        name: (now["figures"][name]["f1"], figure)
        for name, figure in committed["figures"].items()
        if now["figures"][name]["f1"] < figure["interval"][0]
    }
    assert not fallen
