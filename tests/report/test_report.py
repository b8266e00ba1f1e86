"""The report as a file: its content, its policy, and its records."""

import base64
import gzip
import hashlib
import json
import re
import resource
import shutil
from pathlib import Path

import pytest

from extractor.apps.report import write_report
from extractor.errors import StoreError
from extractor.language.shown import show_line
from extractor.schemas import AbsenceReason, FindingKind, TrialExtraction
from tests.commands import extract, invoke
from tests.pages.invented import make_doubtful, make_run
from tests.snapshots import check_json

from .runs import run_hostile

MAKERS = {"hostile": run_hostile, "invented": make_run}


@pytest.fixture(scope="module")
def runs(seed_run, tmp_path_factory):
    made = {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}
    return made | {"seeds": seed_run}


def make_page(run, path, **options):
    write_report(run, path, **options)
    return path.read_text("utf-8")


def unpack(page, name):
    (packed,) = re.findall(rf'octet-stream" id="{name}">([^<]*)</script>', page)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def read_records(page):
    chunks = (unpack(page, name) for name in re.findall(r'id="(chunk-\d+)"', page))
    return {record["id"]: record for chunk in chunks for record in chunk}


def test_a_page_that_does_not_fit_on_the_disk_leaves_the_old_one(runs, tmp_path):
    page = tmp_path / "a.html"
    page.write_text("old", "utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(StoreError, match="File too large"):
            write_report(runs["invented"], page)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]
    assert page.read_text("utf-8") == "old"


def list_quotes(extraction):
    """Path and quote of all evidence; of parts of a value at the value."""
    for path, item in extraction.list_items():
        for piece in item.evidence:
            field = re.sub(r"\.(condition|of|anchor|lead_in)$", "", piece.field)
            if field != "time_window":
                yield f"{path}.{field}", show_line(piece.quote)


@pytest.mark.parametrize("records", [(), ("tests/pages",)], ids=["in texts", "alone"])
@pytest.mark.parametrize("name", ["seeds", *MAKERS])
def test_every_quote_of_a_run_is_marked_at_its_value(runs, tmp_path, name, records):
    shown = read_records(make_page(runs[name], tmp_path / "a.html", records=records))
    lines = (runs[name] / "extractions.jsonl").read_text("utf-8").splitlines()
    for extraction in map(TrialExtraction.model_validate_json, lines):
        record = shown[extraction.record_id]
        marked = {}
        for item in record["items"]:
            for value in item["values"]:
                spans = [record["spans"][number] for number in value["spans"]]
                for section, start, end, *_ in spans:
                    units = record["sections"][section]["text"].encode("utf-16-le")
                    words = units[2 * start : 2 * end].decode("utf-16-le")
                    marked.setdefault(value["path"], set()).add(show_line(words))
        for path, quote in list_quotes(extraction):
            places = [words for key, words in marked.items() if key.startswith(path)]
            if places:
                assert quote in set.union(*places), path
        assert marked


def test_the_data_of_a_page_are_these(tmp_path):
    page = make_page(make_run(tmp_path, make_doubtful()), tmp_path / "a.html")
    index = unpack(page, "index") | {"meanings": None}
    counts = re.findall(r"<t?d[^>]*>([\d,]+)<", page)
    found = {"index": index, "records": read_records(page), "counts": counts}
    check_json(Path(__file__).with_name("invented.json"), found)


def test_a_page_is_deterministic_escaped_and_runs_only_its_own_script(runs, tmp_path):
    page = make_page(runs["hostile"], tmp_path / "a.html")
    assert page == make_page(runs["hostile"], tmp_path / "b.html")
    assert page.count("<script>") == 1
    assert "<img" not in page
    ((_, title, *_),) = unpack(page, "index")["rows"]
    assert len(title) == 160
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    policy = policy.replace("&#39;", "'")
    for element in ("style", "script"):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
        assert not re.search(r"https?:|@import|url\(|\bsrc=|innerHTML|fetch\(", text)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_overview_counts_what_the_run_has(runs, tmp_path):
    page = make_page(runs["seeds"], tmp_path / "a.html")
    lines = (runs["seeds"] / "extractions.jsonl").read_text("utf-8").splitlines()
    extractions = [json.loads(line) for line in lines]
    findings = sum(len(one["findings"]) for one in extractions)
    endpoints = sum(len(one["endpoints"]) for one in extractions)
    assert f"<dt>Findings</dt><dd>{findings}</dd>" in page
    assert f"{endpoints} endpoints</dd>" in page
    measures = re.search(r'field=endpoints\.measure.*?"filled">(\d+)<', page)
    assert int(measures[1]) == endpoints
    with_endpoints = re.search(r'field=endpoints&.*?"filled">(\d+)<', page)
    assert int(with_endpoints[1]) == sum(bool(one["endpoints"]) for one in extractions)


def test_missing_and_changed_texts_are_reported_and_their_quotes_shown(tmp_path):
    records = shutil.copytree("seeds/records", tmp_path / "records")
    extract(records, tmp_path / "run")
    changed, gone, *_ = sorted(records.iterdir())
    text = changed.read_text("utf-8").replace("2 years", "3 years")
    changed.write_text(text, "utf-8")
    gone.unlink()
    page = make_page(tmp_path / "run", tmp_path / "a.html")
    shown = read_records(page)
    states = [shown[path.stem]["text"] for path in (changed, gone)]
    assert states == ["changed", "missing"]
    assert "The texts of 1 record could not be read" in page
    assert "The texts of 1 record have changed since the run" in page
    texts = [section["text"] for section in shown[changed.stem]["sections"]]
    assert not any("3 years" in text for text in texts)
    assert any(" … " in text for text in texts)
    done = invoke("export", tmp_path / "run", "--to", tmp_path / "a.duckdb")
    for state in ("changed", "missing"):
        assert f"the inputs of 1 record are {state}, so" in done.stderr


def test_every_reason_for_a_gap_has_its_colour_and_meaning(seed_run, tmp_path):
    page = make_page(seed_run, tmp_path / "a.html")
    assert unpack(page, "index")["meanings"].keys() >= {*AbsenceReason, *FindingKind}
    for reason in AbsenceReason:
        assert page.count(f"--{reason}: #") == 2
        assert f".{reason} " in page


def test_the_command_writes_into_the_run_and_reports_what_is_missing(
    seed_run, tmp_path
):
    run = shutil.copytree(seed_run, tmp_path / "run")
    (run / "failures.jsonl").unlink()
    done = invoke("report", run)
    assert done.stdout.strip() == str(run / "report.html")
    assert done.stderr == ""
    given = ("-o", tmp_path / "b.html", "--records", "tests/records", "--limit", 1)
    done = invoke("report", run, *given)
    assert "the text of 5 of 5 records is missing or has changed" in done.stderr
    assert "1 of 5 records can be opened" in done.stderr
    page = (tmp_path / "b.html").read_text("utf-8")
    assert len(read_records(page)) == len(unpack(page, "index")["rows"]) == 1
    assert "The first 1 of 5 records can be opened here" in page
    with pytest.raises(StoreError, match="contains no results"):
        write_report(tmp_path, tmp_path / "a.html")
