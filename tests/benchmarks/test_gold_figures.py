"""Figures on gold, measured without the data next to the checkout."""

import sys

import pytest

from benchmarks.gold import figures


def measure(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["figures", *map(str, arguments)])
    figures.main()


def test_the_seeds_are_measured(monkeypatch, capsys):
    measure(monkeypatch, "--records", "seeds/records")

    head, overall, *_ = capsys.readouterr().out.splitlines()
    assert head == "\toncology and allergy (5 records)"
    assert overall.startswith("all\t0.9")


@pytest.mark.parametrize("inputs", ["tests/hostile/records", "no/such/folder"])
def test_no_record_of_the_gold_is_an_error_with_a_remedy(monkeypatch, capsys, inputs):
    with pytest.raises(SystemExit) as stopped:
        measure(monkeypatch, "--records", inputs)

    assert f"No record of {inputs} is in the gold" in stopped.value.code
    assert "--records seeds/records" in stopped.value.code
    assert capsys.readouterr().out == ""
