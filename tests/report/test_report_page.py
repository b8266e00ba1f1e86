"""The report as a file: its content, its policy, and its records."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from extractor.apps.report import write_report
from extractor.apps.report.grid import lay_out_arms
from extractor.errors import StoreError
from extractor.language.clean import clean_text
from extractor.language.shown import show_line
from extractor.schemas import (
    AbsenceReason,
    FieldRef,
    FindingKind,
    Part,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)
from tests.commands import extract, invoke
from tests.pages.invented import make_run

from .runs import HOSTILE_ID, SCRIPT, TEXT, run_hostile, run_own


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return run_hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("invented"))


def make_page(run, path, **options):
    write_report(run, path, **options)
    return path.read_text("utf-8")


def unpack(page, name):
    (packed,) = re.findall(
        rf'<script type="application/octet-stream" id="{name}">([^<]*)</script>', page
    )
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def read_records(page):
    return {
        record["id"]: record
        for number in range(page.count('id="chunk-'))
        for record in unpack(page, f"chunk-{number}")
    }


def cut(record, span):
    """Return the words of a span, cut as a script does, in UTF-16 units."""
    section, start, end, *_ = record["spans"][span]
    return (
        record["sections"][section]["text"]
        .encode("utf-16-le")[2 * start : 2 * end]
        .decode("utf-16-le")
    )


def list_evidence(run):
    """Record, path and quote of all evidence of a run. The first time window is shown in the
    list of all of them.
    """
    for line in (run / "extractions.jsonl").read_text("utf-8").splitlines():
        extraction = TrialExtraction.model_validate_json(line)
        for path, item in extraction.list_items():
            for piece in item.evidence:
                if path == "eligibility" and not piece.field.startswith("groups"):
                    continue
                field = piece.field.replace("time_window.", "time_windows[0].")
                field = "time_windows[0]" if field == "time_window" else field
                yield extraction.record_id, FieldRef(f"{path}.{field}"), piece.quote


@pytest.mark.slow
@pytest.mark.parametrize("records", [(), ("tests",)], ids=["in their texts", "alone"])
@pytest.mark.parametrize(
    ("name", "least"), [("seed_run", 300), ("hostile", 4), ("invented", 30)]
)
def test_every_quote_of_a_run_is_shown_at_its_value(
    request, tmp_path, name, least, records
):
    run = request.getfixturevalue(name)

    shown = read_records(make_page(run, tmp_path / "a.html", records=records))

    values = {
        (name, value["path"]): [cut(record, span) for span in value["spans"]]
        for name, record in shown.items()
        for item in record["items"]
        for value in item["values"]
    }
    evidence = list(list_evidence(run))
    assert len(evidence) > least
    for (
        record,
        path,
        quote,
    ) in (
        evidence
    ):  # that of a part of a value, such as its condition, is shown at the value
        found = next(
            filter(
                None, (values.get((record, place)) for place in (path, *path.parents))
            ),
            (),
        )
        assert show_line(quote) in found, (record, path)


def test_the_same_run_gives_the_same_page_with_texts_as_in_the_files(
    seed_run, tmp_path
):
    page = make_page(seed_run, tmp_path / "a.html")
    assert page == make_page(seed_run, tmp_path / "b.html")
    record = read_records(page)["003_b184c860ed2ef927"]
    assert record["text"] == "same"
    raw = Path("seeds/records/003_b184c860ed2ef927.txt").read_text("utf-8")
    assert all(
        section.get("raw", section["text"]) in raw for section in record["sections"]
    )


def test_no_text_of_a_record_breaks_out_of_the_page(hostile, tmp_path):
    page = make_page(hostile, tmp_path / "a.html")
    assert SCRIPT not in page
    assert "<img" not in page
    assert page.count("<script") == page.count("</script>") == 4
    texts = {
        section["name"]: section["text"]
        for section in read_records(page)[HOSTILE_ID]["sections"]
    }
    assert texts["brief_summary"] == clean_text(f"Before. {TEXT} After.").text


def list_counts(page):
    """Return what the overview counts of each field: filled and empty."""
    rows = re.findall(
        r'<tr><th scope="row"><a href="#\?field=([\w.%]+)[^>]*>.*?'
        r'data-label="filled">([\d,]+)</td>.*?data-label="empty">([\d,]+)</td>',
        page,
    )
    return {name: (int(filled), int(empty)) for name, filled, empty in rows}


def test_the_overview_counts_records_of_what_records_have_and_items_of_what_items_have(
    tmp_path,
):
    run = extract("tests/records", tmp_path / "run")
    counts = list_counts(make_page(run, tmp_path / "page.html"))
    wholes = {name: sum(both) for name, both in counts.items()}
    of_records = {
        name: whole
        for name, whole in wholes.items()
        if name.count(".") == 0
        or name == "eligibility.criteria"
        or (name.startswith("eligibility.") and name.count(".") == 1)
    }
    assert {"eligibility.groups", "eligibility.sex", "dosing"} <= of_records.keys()
    assert set(of_records.values()) == {12}
    of_criteria = {
        whole
        for name, whole in wholes.items()
        if name.startswith("eligibility.criteria.")
    }
    assert of_criteria == {85}
    assert counts["eligibility.groups"][0] < 12


def test_hostile_names_in_the_overview_are_escaped(hostile, tmp_path):
    run = tmp_path / "<img src=x>"
    shutil.copytree(hostile, run)
    (run / "failures.jsonl").write_text(
        json.dumps({"message": SCRIPT}) + "\n{torn", "utf-8"
    )

    page = make_page(run, tmp_path / "a.html")

    assert "1 record failed" in page
    assert "&lt;/script&gt;&lt;script&gt;window.broken" in page
    assert "<img" not in page


def test_the_policy_allows_only_this_style_and_this_script(seed_run, tmp_path):
    page = make_page(seed_run, tmp_path / "a.html")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)

    policy = policy.replace("&#39;", "'")

    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        assert (
            f"{directive} "
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        ) in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(
        r"https?:|@import|url\(|<link|<iframe|\bsrc=|innerHTML|\bfetch\(", page
    )


def test_missing_and_changed_texts_are_reported_and_their_quotes_shown(tmp_path):
    records = tmp_path / "records"
    shutil.copytree("seeds/records", records)
    extract(records, tmp_path / "run")
    changed, gone, *_ = sorted(records.iterdir())
    changed.write_text(
        changed.read_text("utf-8").replace("2 years", "3 years"), "utf-8"
    )
    gone.unlink()
    page = make_page(tmp_path / "run", tmp_path / "a.html")
    shown = read_records(page)
    assert [shown[path.stem]["text"] for path in (changed, gone)] == [
        "changed",
        "missing",
    ]
    assert "The texts of 1 record could not be read" in page
    assert "The texts of 1 record have changed since the run" in page
    texts = [section["text"] for section in shown[changed.stem]["sections"]]
    assert not any("3 years" in text for text in texts)
    assert any(" … " in text for text in texts)


def test_values_of_custom_fields_have_their_fields_name_and_item(tmp_path):
    page = make_page(run_own(tmp_path), tmp_path / "a.html")
    (record,) = read_records(page).values()
    own = {
        item["path"]: item
        for item in record["items"]
        if item["path"].startswith("custom.")
    }
    (limit,) = own["custom.least_weight[0]"]["values"]
    assert own["custom.least_weight[0]"]["of"] == "eligibility.criteria[0]"
    assert limit["said"] == "40"
    assert [cut(record, span) for span in limit["spans"]] == ["40"]
    assert own["custom.sites[0]"]["values"][0]["said"] == "12"
    facts = [tuple(fact) for fact in unpack(page, "index")["facts"]]
    assert ("custom.least_weight", "origin rule") in facts
    assert ("custom.least_weight", "absence not_asked") in facts
    assert re.search(
        r"field=custom\.least_weight[^>]*>.*?least weight</a>.*?>33 %<", page
    )


def test_the_time_windows_of_a_criterion_are_counted_as_one_field(seed_run, tmp_path):
    page = make_page(seed_run, tmp_path / "a.html")

    index = unpack(page, "index")
    fields = {name for name, _ in index["facts"] if "time_window" in name}
    assert fields == {"eligibility.criteria.time_windows"}
    absences = {row[0]: row[4][0] for row in index["rows"]}
    records = read_records(page)
    assert absences.keys() == records.keys()
    for key, record in records.items():
        assert absences[key] == len(record["absences"])


@pytest.mark.parametrize("label", ["active ARM", "Active  Arm"])
def test_the_label_of_an_arm_may_differ_in_letter_case_and_white_space(label):
    section = Section(
        name="arms[0]", text="Active Arm", parts=(Part(name="label", start=0, end=10),)
    )
    record = TrialRecord(
        record_id="A", source=Source(path="a", format="flat"), sections=(section,)
    )
    amount = {"low": 5, "high": 5, "unit": "mg", "arms": [label]}
    given = {
        "agent": "x",
        "section": "arms[0]",
        "quote": "x",
        "arms": [label],
        "amounts": [amount],
    }
    said = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {}, "dosing": [given]}
    )

    grid = lay_out_arms(said, record)

    assert grid["arms"] == ["Active Arm"]
    assert grid["given"][0]["doses"] == ["5 mg"]


def test_records_over_the_limit_are_counted_and_left_out(seed_run, tmp_path):
    page = make_page(seed_run, tmp_path / "a.html", limit=2)
    assert len(read_records(page)) == len(unpack(page, "index")["rows"]) == 2
    assert "The first 2 of 5 records can be opened here" in page


def test_unreadable_runs_and_other_folders_are_refused(seed_run, tmp_path):
    with pytest.raises(StoreError, match="contains no run"):
        write_report(tmp_path, tmp_path / "a.html")
    run = shutil.copytree(seed_run, tmp_path / "run")
    lines = (run / "extractions.jsonl").read_bytes()
    (run / "extractions.jsonl").write_bytes(b"x" + lines[1:])
    with closing(sqlite3.connect(run / "run.sqlite")) as store, store:
        store.execute("DELETE FROM lines")  # or the report would read the line there
    with pytest.raises(StoreError, match=r"the result of .* is damaged"):
        write_report(run, tmp_path / "a.html")


def test_the_command_writes_into_the_run_and_reports_what_is_missing(
    seed_run, tmp_path
):
    run = shutil.copytree(seed_run, tmp_path / "run")
    done = invoke("report", run)
    assert done.stdout.strip() == str(run / "report.html")
    assert done.stderr == ""
    assert (run / "report.html").stat().st_size > 50_000
    done = invoke(
        "report",
        run,
        "-o",
        tmp_path / "b.html",
        "--records",
        "tests/records",
        "--limit",
        1,
    )
    assert "no text for 5 of 5 records: it is missing or has changed" in done.stderr
    assert "1 of 5 records can be opened" in done.stderr


def test_every_reason_for_a_gap_has_its_colour_and_meaning(seed_run, tmp_path):
    page = make_page(seed_run, tmp_path / "a.html")
    assert unpack(page, "index")["meanings"].keys() >= {*AbsenceReason, *FindingKind}
    assert [
        reason
        for reason in AbsenceReason
        if page.count(f"--{reason}: #") != 2 or f".{reason} " not in page
    ] == []
