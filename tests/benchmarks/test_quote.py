import json
from pathlib import Path

import pytest

from benchmarks.quote.__main__ import compare
from benchmarks.quote.recordings import read_exchanges
from benchmarks.quote.sizes import describe_class, measure_keys


def exchange(folder, name, lines, items, output=20):
    """A recording as ``--record`` makes them."""
    messages = [{"role": "system", "content": "Read."}, {"role": "user", "content": "\n".join(lines)}]
    kept = {
        "model": "capable",
        "prompt": {"name": "questions"},
        "request": {"messages": messages},
        "reply": {"message": {"content": json.dumps({"items": items})}, "finish_reason": "stop"},
        "usage": {"prompt_tokens": 30, "completion_tokens": output},
    }
    (folder / f"{name}.json").write_text(json.dumps(kept), "utf-8")


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        lines = ["[1|cat ok] Adults", "[2|cat] ECOG 0-2"]
        exchange(tmp_path, number, lines, [{"n": 1, "cat": "age", "ok": True}, {"n": 2, "cat": "performance"}])
    return tmp_path


def test_sizes_are_those_of_what_was_asked(folder):
    sizes = measure_keys(read_exchanges(folder))
    assert sizes["cat"].asked == 12
    assert sizes["cat"].mean == (len('"cat":"age",') + len('"cat":"performance",')) / 2
    assert sizes["ok"].mean == len('"ok":true,')
    lines = list(describe_class(list(read_exchanges(folder)), sizes))
    assert lines[:3] == ["calls = 6", "asked_again = 0", "narrow = 0"]


def test_a_regimen_is_measured_as_a_whole(tmp_path):
    for number in range(5):
        regimens = [{"n": 4, "agent": "cisplatin", "route": "IV"}, {"n": 4, "agent": "etoposide"}]
        exchange(tmp_path, number, ["[4|regimens] Cisplatin IV and etoposide"], regimens)
    assert measure_keys(read_exchanges(tmp_path))["regimens"].mean > 40


@pytest.mark.parametrize("recorded", ["seeds/answers", "tests/small_answers"])
def test_what_was_recorded_took_what_the_forecast_says(recorded):
    exchanges = list(read_exchanges(Path(recorded)))
    for name, forecast, actual in compare(exchanges, exchanges[0].model):
        assert forecast.low <= actual <= forecast.high, name
