"""Accuracy and cost by effort."""

import json
import sys

import pytest

from benchmarks import effort
from extractor.schemas import Task


def figures(name, group, calls, f1):
    counts = {
        "calls": calls,
        "prompt_tokens": 8000 * calls,
        "static_tokens": 6000 * calls,
        "output_tokens": 100 * calls,
    }
    return {
        "effort": name,
        "group": group,
        "records": 1,
        "figures": dict.fromkeys((*Task, "all"), f1),
        **counts,
    }


@pytest.fixture
def known(tmp_path):
    found = [
        figures(name, group, d, f)
        for group in ("home", "other")
        for name, d, f in (("rules", 0, 0.7), ("medium", 1.2, 0.8), ("all", 3.4, 0.9))
    ]
    (tmp_path / "figures.json").write_text(json.dumps(found), "utf-8")
    return tmp_path / "figures.json"


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["effort", *map(str, words)])
    effort.main()


def test_figures_of_two_annotators_are_averaged(known, monkeypatch, tmp_path, capsys):
    rows = json.loads(known.read_text("utf-8"))
    for row in rows:
        row["figures"] |= {"all": 0.5, "dosing": None}
    second = tmp_path / "second.json"
    second.write_text(json.dumps(rows), "utf-8")

    run(monkeypatch, "--from", known, second, "--json", tmp_path / "both.json")

    assert capsys.readouterr().out.count("medium") >= 2
    both = json.loads((tmp_path / "both.json").read_text("utf-8"))
    means = [row["figures"] for row in both[:3]]
    expected = [
        {"eligibility": each, "dosing": each, "endpoints": each, "all": in_all}
        for each, in_all in ((0.7, 0.6), (0.8, 0.65), (0.9, 0.7))
    ]
    assert means == list(map(pytest.approx, expected))


def test_a_bill_has_the_cache_and_the_thinking_of_a_dry_run():
    """Of 1,000 calls, the first eight write the 6,000 tokens at their beginning into the cache."""
    one = figures("medium", "home", 1, 0.8)
    cheap, middle = (
        effort.bill(one, effort.find_pricing(model))
        for model in ("gpt-5-mini", effort.PRICE)
    )

    assert cheap.cached == middle.cached == 6000 * 992
    assert (cheap.thinking, cheap.writing) == (500 * 1000 * 2 / 1e6, 0)
    assert cheap.dollars == pytest.approx(
        (8e6 - 5.952e6) * 0.25e-6 + 5.952e6 * 0.025e-6 + 0.6e6 * 2e-6, abs=1e-4
    )
    assert (middle.thinking, middle.writing) == (0, 6000 * 8 * 3.75 / 1e6)
    assert middle.dollars == pytest.approx(
        2 * 3 + 5.952 * 0.3 + 0.18 + 0.1 * 15, abs=1e-4
    )
    assert middle.uncached == 8 * 3 + 0.1 * 15
