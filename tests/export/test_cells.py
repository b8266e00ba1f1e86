"""A cell is one line of clean text, in all tables of real records."""

import gzip
import json
import re
from itertools import islice
from pathlib import Path

import pytest

from extractor import Extractor, read_records
from extractor.apps.export.frames import frame_values
from extractor.apps.export.tables import list_tables, tabulate

RECORDS = Path("../shared/data/records")
STEP = 60
"""Each record of so many is read."""
UNCLEAN = re.compile(
    r"[\n\r\t\u00ad\u200b\u00a0\u2028\ufeff]|\\[!-/:-@\[-`{-~]|&(?:lt|gt|amp|nbsp|ge|le);|^\s|\s$|  "
)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    files = sorted(RECORDS.glob("*.jsonl.gz"))
    if not files:
        pytest.skip("needs the shared records")
    folder = tmp_path_factory.mktemp("cells")
    lines = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as content:
            lines += islice(content, 0, None, STEP)
    (folder / "some.jsonl").write_text("".join(lines), "utf-8")
    records = list(read_records(folder / "some.jsonl"))
    reader = Extractor(effort="none")
    return records, [reader.extract(record) for record in records]


@pytest.mark.slow
def test_no_cell_of_a_table_has_line_breaks_or_escapes(extracted):
    records, extractions = extracted
    unclean = [
        (table, column, cell)
        for table, rows in tabulate(extractions, records).items()
        for row in rows
        for column, cell in row.items()
        if column != "quote_raw" and isinstance(cell, str) and UNCLEAN.search(cell)
    ]
    assert not unclean[:5]


@pytest.mark.slow
def test_raw_quotes_stand_at_their_offsets(extracted):
    records, extractions = extracted
    texts = {record.record_id: record for record in records}
    rows = tabulate(extractions, records)["evidence"]
    differing = 0
    for row in rows:
        text = texts[row["record_id"]].raw_text(row["section"])
        raw = row["quote_raw"] or row["quote"]
        assert text[row["char_start"] : row["char_end"]] == raw
        differing += row["quote_raw"] is not None

    assert 0 < differing < len(rows)


def test_a_quote_is_shown_clean_with_its_raw_form_beside_it():
    said = "Platelets \\> 50 x\n   10\\^9/L, non\u00adsmokers"
    text = f"Inclusion Criteria:\n\n* {said}\n"
    extraction = Extractor(effort="none").extract_text(text)
    (criterion,) = tabulate([extraction])["criteria"]
    assert criterion["quote"] == "Platelets > 50 x 10^9/L, nonsmokers"
    assert criterion["quote_raw"] == said
    stored = json.loads(extraction.model_dump_json())["eligibility"]["criteria"][0]
    assert stored["quote"] == said
    assert "50 x 10^9/L, nonsmokers" in str(extraction.eligibility.criteria[0])


def test_one_frame_of_all_values_is_clean():
    pytest.importorskip("pandas")
    text = "Inclusion Criteria:\n\n* Platelets \\> 50 x 10\\^9/L\n"

    frame = frame_values([Extractor(effort="none").extract_text(text)])

    assert not frame["quote"].str.contains("\\", regex=False).any()
    assert frame["quote_raw"].str.contains("\\", regex=False).any()


def test_every_table_with_a_quote_has_its_raw_form():
    for table in list_tables():
        names = [column.name for column in table.columns]
        assert ("quote" in names) == ("quote_raw" in names), table.name
