"""Commands over invented records and a model with a price, and the results of their run."""

import json

import pytest

from tests.stand_ins import write_distinct_records

RECORDS = 14
PRICES = """
as_of = 2026-11-01
[model.stub]
prompt = 2
output = 10
batch = 0.5
cached = 0.25
"""


@pytest.fixture
def words(tmp_path):
    """The words of a command over records, whose model answers at an address."""
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")
    places = (tmp_path / "records.jsonl", "--out", tmp_path / "out")
    priced = ("--effort", "full", "--prices", tmp_path / "prices.toml")

    def build(verb, url, *options):
        return (*verb.split(), *places, "--model", f"{url}#stub", *priced, *options)

    return build


@pytest.fixture
def manifest(tmp_path):
    """Reads the ``run.json`` of the run."""
    return lambda: json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
