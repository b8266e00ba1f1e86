"""The picture of accuracy over cost."""

import json
import sys

import pytest

from benchmarks import effort
from benchmarks.data import PEER
from extractor.schemas import Task


def figures(name, group, dollars, f1):
    counts = dict.fromkeys(("records", "calls", "prompt_tokens", "output_tokens", "dollars_uncached"), 1)
    totals = dict.fromkeys((*Task, "all"), f1)
    return {"effort": name, "group": group, "dollars": dollars, "figures": totals, **counts}


@pytest.fixture
def known(tmp_path):
    found = [figures(name, group, d, f) for group in ("home", "other")
             for name, d, f in (("rules", 0, 0.7), ("low", 1.2, 0.8), ("high", 3.4, 0.9))]  # fmt: skip
    (tmp_path / "figures.json").write_text(json.dumps(found), "utf-8")
    return tmp_path / "figures.json"


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["effort", *map(str, words)])
    effort.main()


def test_figures_of_files_are_drawn_with_a_peer(known, monkeypatch, tmp_path):
    peer = tmp_path / "peer.json"
    peer.write_text(json.dumps([figures(PEER, "home", 20.5, 0.95)]), "utf-8")
    run(monkeypatch, "--from", known, "--plot", tmp_path / "alone.png")
    run(monkeypatch, "--from", known, peer, "--plot", tmp_path / "both.png", "--json", tmp_path / "both.json")
    alone, both = ((tmp_path / name).read_bytes() for name in ("alone.png", "both.png"))
    assert alone.startswith(b"\x89PNG")
    assert both.startswith(b"\x89PNG")
    assert alone != both
    assert [one["effort"] for one in json.loads((tmp_path / "both.json").read_text("utf-8"))][-1] == PEER


def test_without_records_and_figures_there_is_nothing_to_measure(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "--plot", "a.png")
    assert "--from" in capsys.readouterr().err
