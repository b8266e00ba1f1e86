from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.local.__main__ import format_row, render_calls
from benchmarks.local.serving import Served
from benchmarks.local.variants import DEFAULTS, VARIANTS


def settings_of(served):
    found = asdict(served)
    settings = found.pop("settings")
    return settings | found


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_the_defaults_in_one_setting(name):
    ours, theirs = settings_of(DEFAULTS), settings_of(VARIANTS[name])
    assert len([each for each in ours if ours[each] != theirs[each]]) == 1


def test_calls_are_those_of_auto_and_no_more_than_wanted():
    calls = render_calls([Path("seeds/records")], 3)
    assert len(calls) == 3
    assert all(call.system and call.user for call in calls)


def test_the_figures_are_the_median_ratios_of_the_rounds():
    rounds = [(Served(9, 1, 5, 2.0, 1.0, 7), Served(9, 0, 5, seconds, 1.1, 8)) for seconds in (2.0, 3.0, 20.0)]
    assert format_row("batch 128", rounds).split() == ["batch", "128", "1.50", "x", "1.10", "x", "9", "0", "5", "8"]
