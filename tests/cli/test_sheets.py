"""The commands ``extractor findings`` and ``extractor doubts``."""

import csv
import json
import shutil
from pathlib import Path

import openpyxl
import pytest

from extractor.apps.sheets import results as reading
from extractor.apps.sheets.doubts import COLUMNS as DOUBT_COLUMNS
from extractor.apps.sheets.findings import COLUMNS as FINDING_COLUMNS
from tests.commands import extract, invoke, read_lines

STUDY = Path("tests/records/study.json")
TEXT = """A Trial of Fictumab
Inclusion criteria:
- =1+1 bottles of wine, age at least 18 years
"""
AGE_DIFFERS = "the text's maximum age is 25 years, the registry's 75 Years"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return extract("tests/records", tmp_path_factory.mktemp("listed") / "run")


def look(*words):
    """Run a command that tells by its exit code whether it lists something."""
    return invoke(*words, "--exit-code")


def read_sheet(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def change_state(run, folder, state):
    """Copy a run, as if its last invocation had ended in this state."""
    shutil.copytree(run, folder)
    manifest = json.loads((folder / "run.json").read_text("utf-8"))
    (folder / "run.json").write_text(json.dumps(manifest | {"state": state}), "utf-8")
    return folder


def test_findings_are_listed_below_their_records_with_both_sides(run):
    done = look("findings", run)

    assert done.exit_code == 1
    assert done.stdout == (
        "\nNCT90000007: Fabricel CAR-T Cells After Transplantation\n"
        f"  warning: age_differs: {AGE_DIFFERS}\n"
        "    3 to 25 years  [Eligibility]\n"
        "    75 Years  [Registry: maximum age]\n"
        "\nNCT90000008: Fictinib in Relapsed Peripheral T-cell Lymphoma\n"
        "  info: time_frame_missing: 1 of 4 outcomes have no time frame\n"
        "    Overall survival  [Secondary outcome 3]\n"
    )
    assert done.stderr == (
        "extractor: 2 findings in 2 of 12 records: age_differs 1, time_frame_missing 1\n"
    )


@pytest.mark.parametrize(
    ("command", "columns"),
    [("findings", FINDING_COLUMNS), ("doubts", DOUBT_COLUMNS)],
)
def test_a_sheet_has_the_rows_that_json_has(run, tmp_path, command, columns):
    names = [column.name for column in columns if column.name != "change"]

    printed = look(command, run, "--format", "json", "--quiet")
    written = look(command, run, "-o", tmp_path / "a.csv", "--quiet")
    book = look(command, run, "-o", tmp_path / "a.xlsx", "--quiet")

    assert printed.exit_code == written.exit_code == book.exit_code == 1
    assert (written.output, book.output, printed.stderr) == ("", "", "")
    rows = [json.loads(line) for line in printed.stdout.splitlines()]
    assert {tuple(row) for row in rows} == {tuple(names)}
    header, *cells = openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows(
        values_only=True
    )
    assert header == tuple(names)
    # An address leads from the folder of the sheet, or from the current one.
    assert [row[:-1] for row in cells] == [tuple(row.values())[:-1] for row in rows]
    sheet = read_sheet(tmp_path / "a.csv")
    places = [row["address"].partition("#") for row in sheet]
    assert [place[2] for place in places] == [
        row["address"].partition("#")[2] for row in rows
    ]
    assert len(rows) == len(set(map(str, rows)))


@pytest.mark.parametrize("command", ["findings", "doubts"])
def test_a_command_that_lists_something_has_worked(run, command):
    done = invoke(command, run)

    assert done.exit_code == 0
    assert done.stdout


@pytest.mark.parametrize(
    ("sheet", "report"),
    [
        ("run/sheet", "report.html"),
        ("sheet", "run/report.html"),
        ("other folder/sheet", "../run/report.html"),
    ],
)
@pytest.mark.parametrize("command", ["findings", "doubts"])
def test_a_row_of_a_sheet_leads_to_its_place_in_the_report(
    run, tmp_path, command, sheet, report
):
    shutil.copytree(run, tmp_path / "run")
    book = (tmp_path / sheet).with_suffix(".xlsx")
    lines = (tmp_path / sheet).with_suffix(".csv")

    for path in (book, lines):
        invoke(command, tmp_path / "run", "-o", path)

    addresses = [row["address"] for row in read_sheet(lines)]
    header, *rows = openpyxl.load_workbook(book).active.iter_rows()
    assert header[-1].value == "address"
    assert [row[-1].value for row in rows] == addresses
    for row in rows:
        file, _, place = row[-1].value.partition("#")
        link = row[-1].hyperlink
        assert file == report
        assert link.target.replace("\\", "/") == file
        assert link.location.replace("\\", "/") == place


def test_a_sheet_with_more_links_than_excel_opens_has_addresses_alone(
    run, tmp_path, monkeypatch
):
    monkeypatch.setattr("extractor.apps.export.excel._MOST_LINKS", 3)

    invoke("doubts", run, "-o", tmp_path / "sheet.xlsx")

    _, *rows = openpyxl.load_workbook(tmp_path / "sheet.xlsx").active.iter_rows()
    links = [row[-1].hyperlink is not None for row in rows]
    assert links == [True, True] + [False] * (len(rows) - 2)
    assert all("report.html#" in row[-1].value for row in rows)


def test_what_is_gone_leads_to_the_older_report(versions):
    done = invoke(
        "findings",
        versions / "old",
        "--since",
        versions / "new",
        "-o",
        versions / "gone.csv",
    )

    (row,) = read_sheet(versions / "gone.csv")
    assert row["address"].startswith("new/report.html#NCT90000001/findings[")
    assert done.exit_code == 0


def test_a_workbook_can_be_read_and_filtered(run, tmp_path):
    invoke("doubts", run, "-o", tmp_path / "sheet.xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "sheet.xlsx").active
    by_name = {cell.value: cell for cell in sheet[1]}
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    for name, cell in by_name.items():
        letter = cell.column_letter
        width = sheet.column_dimensions[letter].width
        texts = [str(cell.value) for cell in sheet[letter] if cell.value is not None]
        longest = max(map(len, texts))
        assert len(name) < width < 62
        assert (
            longest < width
            or name == "address"
            or sheet[f"{letter}2"].alignment.wrap_text
        )
    assert sheet[f"{by_name['quote'].column_letter}2"].alignment.wrap_text


def test_an_earlier_sheet_is_replaced_only_by_force(run, tmp_path):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("mine", "utf-8")

    refused = look("findings", run, "-o", sheet)
    kept = sheet.read_text("utf-8")
    forced = look("findings", run, "-o", sheet, "--force")

    assert (refused.exit_code, kept) == (2, "mine")
    assert "already exists; choose another name, or replace it" in refused.stderr
    assert forced.exit_code == 1
    assert len(read_sheet(sheet)) == 2
    assert list(tmp_path.iterdir()) == [sheet]


def test_a_cell_of_csv_is_no_formula(tmp_path):
    (tmp_path / "trial.txt").write_text(TEXT, "utf-8")
    run = extract(tmp_path / "trial.txt", tmp_path / "run")

    look("doubts", run, "--below", "1", "-o", tmp_path / "sheet.csv")

    quotes = {row["quote"] for row in read_sheet(tmp_path / "sheet.csv")}
    assert "'=1+1 bottles of wine, age at least 18 years" in quotes


@pytest.mark.parametrize("command", ["findings", "doubts"])
def test_the_file_of_a_run_has_the_rows_of_its_folder(run, tmp_path, command):
    shutil.copy(run / "extractions.jsonl", tmp_path / "alone.jsonl")

    of_folder, of_file, of_copy = (
        look(command, results, "--format", "json")
        for results in (run, run / "extractions.jsonl", tmp_path / "alone.jsonl")
    )

    assert of_folder.stdout == of_file.stdout
    rows = [json.loads(line) for line in of_folder.stdout.splitlines()]
    copied = [json.loads(line) for line in of_copy.stdout.splitlines()]
    for row, copy in zip(rows, copied, strict=True):
        _, _, place = row["address"].partition("#")
        assert copy["address"].endswith(f"/report.html#{place}")
        assert copy == row | {"title": None, "address": copy["address"]}
    assert "no title for 12 of 12 records" in of_copy.stderr
    assert "no title" not in of_folder.stderr


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (("--kind", "age_differs"), ["age_differs"]),
        (("--kind", "dose_unread"), []),
        (("--kind", "dose_unread,time_frame_missing"), ["time_frame_missing"]),
        (("--kind", "dose_unread", "--contradictions"), []),
        (("--contradictions",), ["age_differs", "time_frame_missing"]),
        (("--severity", "warning"), ["age_differs"]),
        (("--severity", "info", "--contradictions"), ["time_frame_missing"]),
        (("--reading",), []),
    ],
)
def test_findings_are_chosen_by_kind(run, options, kinds):
    done = look("findings", run, "--format", "json", *options)

    assert done.exit_code == (1 if kinds else 0)
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()] == kinds


def test_contradictions_leave_out_what_was_not_read(tmp_path):
    (tmp_path / "trial.txt").write_text(
        "A Trial of Fictumab\nInclusion criteria:\n- Kreatinin unter 1,5 mg/dl ist nötig\n"
        "- Age at least 18 years\n",
        "utf-8",
    )
    run = extract(tmp_path / "trial.txt", tmp_path / "run")

    every = look("findings", run, "--format", "json")
    contradictions = look("findings", run, "--contradictions")

    (row,) = map(json.loads, every.stdout.splitlines())
    reading = look("findings", run, "--reading", "--format", "json")

    assert (row["kind"], row["contradiction"]) == ("language_other", False)
    assert reading.stdout == every.stdout
    assert (contradictions.exit_code, contradictions.stdout) == (0, "")
    assert contradictions.stderr == "extractor: 0 findings in 0 of 1 record\n"


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """Runs of two versions of a record: the second says another maximum age than the registry."""
    folder = tmp_path_factory.mktemp("versions")
    text = STUDY.read_text("utf-8")
    for name, ages in (("old", "18 to 75 years"), ("new", "18 to 65 years")):
        (folder / f"{name}.json").write_text(
            text.replace("18 to 75 years", ages), "utf-8"
        )
        extract(folder / f"{name}.json", folder / name)
    return folder


@pytest.mark.parametrize(
    ("since", "run", "options", "shown"),
    [
        ("old", "new", (), [("new", "age_differs")]),
        ("new", "old", (), [("gone", "age_differs")]),
        ("new", "old", ("--change", "new"), []),
        ("new", "new", (), []),
        ("new", "new", ("--change", "kept"), [("kept", "age_differs")]),
        ("new/extractions.jsonl", "old", (), [("gone", "age_differs")]),
    ],
)
def test_two_runs_are_compared(versions, since, run, options, shown):
    done = look(
        "findings",
        versions / run,
        "--since",
        versions / since,
        "--format",
        "json",
        *options,
    )

    rows = list(map(json.loads, done.stdout.splitlines()))
    assert [(row["change"], row["kind"]) for row in rows] == shown
    assert done.exit_code == (1 if shown else 0)


def test_the_sheet_of_two_runs_says_what_changed_and_the_list_too(versions, tmp_path):
    words = ("findings", versions / "new", "--since", versions / "old")

    look(*words, "-o", tmp_path / "sheet.csv")
    listed = look(*words)

    (row,) = read_sheet(tmp_path / "sheet.csv")
    assert list(row) == [column.name for column in FINDING_COLUMNS]
    assert row["change"] == "new"
    assert "  new: warning: age_differs: " in listed.stdout
    assert "1 finding in 1 of 1 record: new 1" in listed.stderr


def test_records_of_one_run_alone_are_named(run, versions):
    more = look("findings", run, "--since", versions / "old")
    fewer = look("findings", versions / "old", "--since", run)

    assert "11 records only in the new run, whose findings are all new: " in more.stderr
    assert more.stdout.count("  new: ") == 2
    assert "11 records only in the old run, whose findings are not" in fewer.stderr
    assert (fewer.exit_code, fewer.stdout) == (0, "")


@pytest.mark.parametrize("command", ["findings", "doubts"])
def test_records_that_failed_and_runs_that_are_not_complete_are_told(
    run, tmp_path, command
):
    (tmp_path / "records").mkdir()
    shutil.copy(STUDY, tmp_path / "records/good.json")
    (tmp_path / "records/bad.json").write_text("{", "utf-8")
    words = ("--effort", "none", "--workers", 1, "--quiet")
    invoke("run", tmp_path / "records", "--out", tmp_path / "failed", *words)
    broken = change_state(run, tmp_path / "broken", "interrupted")

    of_failed = look(command, tmp_path / "failed", "--quiet")
    of_broken = look(command, broken)

    assert (of_failed.exit_code, of_broken.exit_code) == (2, 2)
    assert "1 record failed and has no new rows: " in of_failed.stderr
    assert "bad.json, line 1, character 1 (failures.jsonl says" in of_failed.stderr
    assert "interrupted" in of_broken.stderr
    assert of_broken.stdout


def test_doubts_say_what_was_read_how_sure_it_is_and_where(run):
    done = look("doubts", run, "--field", "minimum_age")

    assert done.exit_code == 1
    assert done.stdout == (
        "\nflat: Fictucel Followed by Fabricel in Children With Relapsed B-cell Leukemia\n"
        "  Who may take part, minimum age: 2 years (70 % sure)\n"
        "    2 to 18 years  [Detailed description]\n"
    )
    assert done.stderr == "extractor: 1 doubt in 1 of 12 records: minimum age 1\n"


def test_times_that_were_not_read_are_found_by_field_and_reason(tmp_path):
    quote = (
        "Presence of any condition that is likely to preclude survival for 12 months"
    )
    (tmp_path / "trial.txt").write_text(
        f"A Trial of Fictumab\nExclusion criteria:\n- {quote}\n- Fever\n", "utf-8"
    )
    run = extract(tmp_path / "trial.txt", tmp_path / "run")

    for name in ("time_windows", "time windows"):
        done = look("doubts", run, "--field", name, "--reason", "unread_number")

        assert done.exit_code == 1
        assert done.stdout.splitlines()[2:] == [
            "  Exclusion criterion 1, time windows (unread_number)",
            f"    {quote}  [Eligibility]",
        ]


UNREAD = """A Trial of Fictumab
Inclusion criteria:
- Kreatinin unter 1,5 mg/dl ist nötig
- Amplitude less than half of that of the other side
- Age at least 18 years
"""


def test_one_command_lists_all_that_was_not_read_each_word_once(tmp_path):
    (tmp_path / "trial.txt").write_text(UNREAD, "utf-8")
    run = extract(tmp_path / "trial.txt", tmp_path / "run")

    done = look("doubts", run, "--unread", "--format", "json")

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["item"], row["reason"], row["quote"]) for row in rows] == [
        ("Inclusion criterion 1", "unread_number", "less than half of that"),
        ("The record", "language_other", "- Kreatinin unter 1,5 mg/dl ist nötig"),
    ]
    assert [row["item_index"] for row in rows] == [0, None]


def test_fields_can_be_left_out_and_the_summary_says_which(run):
    every = invoke("doubts", run, "--format", "json")
    fewer = invoke("doubts", run, "--format", "json", "--without", "category, concept")

    rows = [json.loads(line) for line in every.stdout.splitlines()]
    left = [row for row in rows if row["field"] not in ("category", "concept")]
    assert [json.loads(line) for line in fewer.stdout.splitlines()] == left
    assert len(left) < len(rows)
    told = f"{len(rows) - len(left)} of these are about classes: leave them out with "
    assert f"{told}--without category\n" in every.stderr
    assert "--without" not in fewer.stderr


@pytest.mark.parametrize("command", ["findings", "doubts"])
def test_addresses_lead_into_the_report_which_may_have_to_be_made(
    run, tmp_path, command
):
    shutil.copytree(run, tmp_path / "run")
    words = (command, tmp_path / "run", "-o", tmp_path / "sheet.csv", "--force")

    before = look(*words)
    invoke("report", tmp_path / "run")
    after = look(*words)

    told = f"the addresses lead into the report: extractor report {tmp_path / 'run'}"
    assert told in before.stderr
    assert told not in after.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("findings nowhere", "nowhere: there is no such file or folder"),
        ("findings tests/records", "tests/records: holds no run; name a folder that"),
        ("findings RUN --kind age_difers", "no such kind of finding (did you mean age"),
        ("findings RUN --since tests/records", "tests/records: holds no run"),
        ("findings RUN --change new", "--change needs the older run: --since OLD_RUN"),
        ("findings RUN --since RUN --change old", "old: no such change"),
        ("findings RUN -o a.txt", "-o a.txt: name a file that ends with .csv or .xlsx"),
        ("findings RUN -o a.csv --format json", "--format is of the list"),
        ("findings RUN --force", "--force replaces a sheet; name it with -o"),
        (
            "doubts RUN --field time_window_",
            "time_window_: no such field (did you mean",
        ),
        ("doubts RUN --reason unread", "unread: no such reason"),
        ("doubts RUN --without categry", "categry: no such field (did you mean cat"),
        ("doubts RUN --unread --reason ambiguous", "--unread names reasons itself"),
        (
            "findings RUN --contradictions --reading",
            "--reading leaves out what --contradictions lists",
        ),
        ("doubts tests/records/study.json", "is not an extraction of this version"),
    ],
)
def test_a_mistake_is_told_with_exit_code_2(run, words, message):
    done = look(*(str(run) if word == "RUN" else word for word in words.split()))

    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_only_the_rows_of_one_record_are_held_at_a_time(run, tmp_path, monkeypatch):
    lines = read_lines(run / "extractions.jsonl")
    (tmp_path / "many.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines), "utf-8"
    )
    read = reading.read_results
    events = []

    def read_noting(path):
        for extraction in read(path):
            events.append("record")
            yield extraction

    monkeypatch.setattr(reading, "read_results", read_noting)
    monkeypatch.setattr(
        "extractor.apps.cli.doubts._print_row", lambda row: events.append(row.item)
    )

    look("doubts", tmp_path / "many.jsonl")

    first_two = [place for place, event in enumerate(events) if event == "record"][:2]
    assert first_two[1] - first_two[0] > 1


BRAIN = '''
from pydantic import BaseModel, Field


class Brain(
    BaseModel,
    json_schema_extra={
        "mentions": ["brain", "CNS"],
        "examples": [{"text": "No brain metastases", "value": True}],
    },
):
    """Is the brain free of disease?"""

    free: bool = Field(json_schema_extra={"pattern": {"true": "no brain metastases"}})
'''


def test_lines_that_a_pattern_of_ones_own_field_missed_are_shown(tmp_path):
    lines = [
        "Inclusion criteria:",
        "- Age over 18",
        "- Brain lesions were treated",
        "- CNS disease is absent",
    ]
    record = tmp_path / "a.txt"
    record.write_text("\n".join(lines), "utf-8")
    own = tmp_path / "own.py"
    own.write_text(BRAIN, "utf-8")
    run = tmp_path / "run"
    assert invoke("run", record, "--fields", own, "--out", run).exit_code == 0

    done = look("doubts", run, "--field", "brain", "--format", "json")

    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["reason"] == "not_asked"
    assert row["quote"] == "- Brain lesions were treated | - CNS disease is absent"
    assert row["place"] == "Eligibility"


def test_ages_that_were_not_taken_are_shown_with_their_criteria(tmp_path):
    record = tmp_path / "a.txt"
    lines = "Inclusion criteria:\n- Age 18 to 65 years\n- Age over 70 years"
    record.write_text(lines, "utf-8")
    run = tmp_path / "run"
    assert invoke("run", record, "--out", run).exit_code == 0

    done = look("doubts", run, "--field", "maximum_age", "--format", "json")

    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["reason"] == "ambiguous"
    assert row["quote"] == "Age 18 to 65 years | Age over 70 years"
    assert row["place"] == "Eligibility"
