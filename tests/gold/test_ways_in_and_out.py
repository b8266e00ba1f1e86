"""Gold from sheets, Label Studio and BRAT, and back to them without a change."""

import csv
import json

import openpyxl
import pytest

from extractor import Extractor, TrialExtraction, read_records
from extractor.apps.evaluation import check_gold
from extractor.apps.evaluation.fields import GROUPS, list_scored_groups
from extractor.apps.gold.build import build_gold
from extractor.apps.gold.files import export_gold, import_gold
from extractor.apps.gold.layouts import Layout
from extractor.apps.gold.marks import Labels, Mark
from extractor.apps.gold.unbuild import list_marks
from extractor.concepts.own.models import read_fields
from extractor.errors import GoldError
from extractor.schemas import Section, Source, TrialRecord
from tests.commands import extract, invoke

RECORDS = "tests/records/studies.jsonl"
ID = "NCT90000006"
OTHER = "NCT90000007"
LABELS = Labels()
OWN_FIELDS = "extractor.catalogue:Blinding,EjectionFraction"
OWN = Labels({field.name: field for field in read_fields(OWN_FIELDS)})


@pytest.fixture(scope="module")
def pairs():
    """Extractions as a reviewer would finish them, with their records."""
    return review(Extractor(effort="none"))


def review(extractor):
    pairs = []
    for record in read_records(RECORDS):
        gold = extractor.extract(record).to_gold()
        pairs.append((TrialExtraction.model_validate(gold), record))
    return pairs


def find_record(name=ID):
    return next(record for record in read_records(RECORDS) if record.record_id == name)


def annotate(tasks):
    """Submit each prediction as it is, as an annotator does in Label Studio."""
    by = {"id": 7, "email": "anna@example.org"}
    return [
        {
            "id": number,
            "data": task["data"],
            "annotations": [
                {
                    "id": number,
                    "completed_by": by,
                    "was_cancelled": False,
                    "result": task["predictions"][0]["result"],
                }
            ],
        }
        for number, task in enumerate(tasks, 1)
    ]


def export(pairs, layout, folder, labels=LABELS):
    """Export, and return what is imported again."""
    to = folder / ("sheet.csv" if layout is Layout.SHEET else "out")
    assert export_gold(pairs, to, layout, labels) == len(pairs)
    if layout is Layout.LABEL_STUDIO:
        tasks = json.loads((to / "tasks.json").read_text("utf-8"))
        to = folder / "export.json"
        to.write_text(json.dumps(annotate(tasks)), "utf-8")
    return to


@pytest.mark.parametrize("layout", Layout)
def test_gold_goes_out_and_comes_back_without_a_change(pairs, layout, tmp_path):
    found = import_gold(export(pairs, layout, tmp_path), [RECORDS], LABELS)
    assert found.problems == ()
    assert found.gold == {gold.record_id: gold.to_gold() for gold, _ in pairs}


def read_rows(folder, *rows):
    """What a sheet with these rows becomes."""
    return import_gold(write_sheet(folder / "a.csv", rows), [RECORDS], LABELS)


@pytest.mark.parametrize("layout", Layout)
def test_gold_of_some_fields_keeps_what_it_was_read_for(layout, tmp_path):
    criterion = {
        "kind": "inclusion",
        "section": "eligibility",
        "quote": "Karnofsky performance status >= 70",
        "constraints": [],
    }
    stated = {
        "record_id": ID,
        "eligibility": {"sex": None, "criteria": [criterion]},
        "dosing": [],
        "scored": ["sex", "constraints", "dosing"],
    }
    pair = (TrialExtraction.model_validate(stated), find_record())

    found = import_gold(export([pair], layout, tmp_path), [RECORDS], LABELS)

    assert found.problems == ()
    assert found.gold == {ID: stated}


WEIRD = TrialRecord(
    record_id="a/b",
    source=Source(path="a", format="flat"),
    sections=(
        Section(name="title", text="\n A trial of 😀 glee"),
        Section(
            name="eligibility",
            text="Inclusion Criteria:\n\n* Adults 😀 ;; who\n  are well\n* None of it",
        ),
    ),
)


@pytest.mark.parametrize("layout", Layout)
def test_texts_of_any_kind_come_back(layout, tmp_path):
    shared = {"kind": "inclusion", "section": "eligibility"}
    adults = shared | {
        "quote": "Adults 😀 ;; who\n  are well",
        "lead_in": "😀 ;; who\n  are",
    }
    none = shared | {"quote": "None of it", "lead_in": "None"}
    gold = TrialExtraction.model_validate(
        {"record_id": "a/b", "eligibility": {"criteria": [adults, none]}}
    )
    records = tmp_path / "records.jsonl"
    records.write_text(f"{WEIRD.model_dump_json()}\n", "utf-8")

    found = import_gold(export([(gold, WEIRD)], layout, tmp_path), [records], LABELS)

    assert found.problems == ()
    criteria = found.gold["a/b"]["eligibility"]["criteria"]
    assert [
        (criterion["quote"], criterion.get("lead_in")) for criterion in criteria
    ] == [
        ("Adults 😀 ;; who\n  are well", "😀 ;; who\n  are"),
        ("None of it", "None"),
    ]


def test_own_fields_come_back_with_the_items_that_have_them(tmp_path):
    criterion = {
        "kind": "inclusion",
        "section": "eligibility",
        "quote": "Left ventricular ejection fraction \\>= 45%",
    }
    limit = {"comparator": ">=", "value": 45, "value_high": None, "unit": "%"}
    stated = {
        "record_id": OTHER,
        "eligibility": {"criteria": [criterion]},
        "custom": {
            "blinding": [{"of": None, "values": {"level": "open"}}],
            "ejection_fraction": [
                {"of": "eligibility.criteria[0]", "values": {"limit": limit}}
            ],
        },
    }
    pair = (TrialExtraction.model_validate(stated), find_record(OTHER))

    path = export([pair], Layout.LABEL_STUDIO, tmp_path, OWN)
    found = import_gold(path, [RECORDS], OWN)

    assert found.problems == ()
    assert found.gold[OTHER] == stated


ROWS = [
    (OTHER, "minimum_age", "3 years", "Age 3 to 25 years"),
    (OTHER, "sex", "none", ""),
    (OTHER, "constraints", "platelets >= 50 x 10^9/L", "Platelets >= 50 x 10^9/L"),
    (OTHER, "constraints", "", "ECOG performance status 0-1"),
    (OTHER, "amounts", "30 mg/m2", "Fludarabine 30 mg/m2/day"),
    (OTHER, "agent", "Fludarabine", "Fludarabine 30 mg/m2/day intravenously"),
    (OTHER, "time_points", "28 day", "28 days after infusion"),
]


def write_sheet(path, rows):
    with path.open("w", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Record", "Field", "Value", "Quote"])
        writer.writerows(rows)
    return path


def test_a_row_a_value_finds_its_item_by_its_quote(tmp_path):
    found = read_rows(tmp_path, *ROWS)

    assert found.problems == ()
    gold = found.gold[OTHER]
    assert gold["eligibility"]["sex"] is None
    platelets, ecog = gold["eligibility"]["criteria"]
    assert platelets["constraints"][0]["value"] == 5e10
    assert ecog["quote"] == "ECOG performance status 0-1"
    assert ecog["kind"] == "inclusion"
    assert ecog["constraints"][0]["value_high"] == 1
    (dose,) = gold["dosing"]
    assert dose["agent"] == "Fludarabine"
    assert dose["amounts"][0]["high"] == 30
    assert gold["endpoints"][0]["time_frame"] == "28 days after infusion"
    # of the items that the rows do not speak of, nothing is scored
    assert gold["scored"] == [
        "eligibility.minimum_age",
        "eligibility.sex",
        "eligibility.criteria.constraints",
        "dosing.agent",
        "dosing.amounts",
        "endpoints.time_points",
    ]


def test_a_name_that_a_row_gives_to_an_item_may_be_used_by_later_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "record,field,value,quote,of\n"
        f"{OTHER},agent,Fludarabine,Fludarabine 30 mg/m2/day,\n"
        f"{OTHER},agent,Fludarabine,Fludarabine 30 mg/m2/day,r1\n"
        f"{OTHER},route,intravenous,,r1\n",
        "utf-8",
    )

    found = import_gold(path, [RECORDS], LABELS)

    assert found.problems == ()
    (dose,) = found.gold[OTHER]["dosing"]
    assert dose["route"] == "intravenous"


def test_a_workbook_is_read_as_a_sheet(tmp_path):
    book = openpyxl.Workbook()
    for row in (("record", "field", "value"), (OTHER, "minimum_age", "3 year")):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")

    found = import_gold(tmp_path / "a.xlsx", [RECORDS], LABELS)

    assert found.gold[OTHER]["eligibility"] == {
        "minimum_age": {"value": 3, "unit": "year"}
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("", "sex", "all", ""), "row 2: has no record; write the id"),
        ((OTHER, "", "all", ""), "row 2: has no field; name one"),
        ((OTHER, "sexx", "all", ""), "'sexx' is no field (did you mean sex?)"),
        (
            (OTHER, "sex", "everyone", ""),
            "'everyone' is none of all, female, male; write",
        ),
        (
            (OTHER, "minimum_age", "adult", ""),
            "minimum_age: 'adult' cannot be read; write a time as",
        ),
        ((OTHER, "minimum_age", "", ""), "there is no value; write"),
        (
            (OTHER, "constraints", "ECOG: 0-1", ""),
            "is of an item; give the words in quote",
        ),
        ((OTHER, "constraints", "ECOG: 0-1", "ECOG 0-3"), "stands nowhere in NCT9"),
        (
            (OTHER, "amounts", "5 mg", "Age 3"),
            "is of a regimen whose agent is not known; add a row agent",
        ),
        ((OTHER, "category", "safety", ""), "a field of several items; write eligib"),
        (("NCT90000077", "sex", "all", ""), "no record 'NCT90000077' (did you mean"),
        ((OTHER, "minimum_age", "5 year", "Age 3 to 25 years"), "warning: "),
    ],
)
def test_what_cannot_be_taken_over_is_listed_with_its_row(row, message, tmp_path):
    (problem,) = read_rows(tmp_path, row).problems
    assert message in str(problem)
    assert "a.csv, row 2: " in str(problem)


@pytest.mark.parametrize(
    ("quote", "warns"),
    [("Fludarabine 30", True), ("Fludarabine 30 mg/m2/day", False)],
)
def test_a_quote_that_ends_before_the_unit_is_warned_of(quote, warns, tmp_path):
    agent = (OTHER, "agent", "Fludarabine", "Fludarabine 30 mg/m2/day")
    amount = (OTHER, "amounts", "30 mg/m2", quote)

    problems = read_rows(tmp_path, agent, amount).problems

    messages = "".join(str(problem) for problem in problems)
    assert ("ends before the unit mg/m2; quote the unit, too" in messages) is warns
    assert all(problem.warns for problem in problems)


def test_a_record_that_is_named_by_its_file_is_suggested(tmp_path):
    (problem,) = read_rows(tmp_path, (f"{OTHER}.txt", "sex", "all", "")).problems
    assert f"(did you mean {OTHER}?)" in str(problem)


def test_a_field_with_a_broken_value_is_not_scored(tmp_path):
    quote = "Life expectancy of at least 12 weeks"
    broken = (OTHER, "constraints", "rather few", quote)

    found = read_rows(tmp_path, *ROWS, broken)

    assert len(found.problems) == 1
    assert "eligibility.criteria.constraints" not in found.gold[OTHER]["scored"]
    assert "eligibility.sex" in found.gold[OTHER]["scored"]


WEEKS = "Life expectancy of at least 12 weeks"
WINDOW = "at least 12 weeks | >= 12 week"


@pytest.mark.parametrize(
    ("written", "not_scored"),
    [
        ("< 1 year", {"time_window", "time_windows", "of", "anchor"}),
        ("a while", {"time_window", "time_windows", "of", "anchor"}),
        (WINDOW, {"of", "anchor"}),
        (f"{WINDOW} | life", {"anchor"}),
        (f"{WINDOW} | - | -", set()),
        ("none", set()),
    ],
)
def test_what_is_not_said_or_not_read_of_a_time_window_is_not_scored(
    written, not_scored, tmp_path
):
    item = (OTHER, "criterion", "inclusion", WEEKS)
    found = read_rows(tmp_path, item, (OTHER, "time_windows", written, WEEKS))

    gold = TrialExtraction.model_validate(found.gold[OTHER])
    names = {
        field.name
        for group in list_scored_groups(GROUPS, gold)
        for field in group.fields
    }
    parts = {"time_window", "time_windows"} | {"of", "anchor"}
    paths = {
        part: f"eligibility.criteria.{part}" for part in ("time_window", "time_windows")
    }
    paths |= {
        part: f"eligibility.criteria.time_windows.{part}" for part in ("of", "anchor")
    }
    assert {part for part in parts if paths[part] not in names} == not_scored


@pytest.mark.parametrize(
    ("label", "form", "remedy"),
    [
        ("time_windows", "< 1 year", 'write a time window as "words |'),
        ("constraints", "few", 'write a limit as "quantity:'),
        ("minimum_age", "young", "write a time as one number and a unit"),
        ("sex", "people", "write one of all, female, male"),
    ],
)
def test_a_refusal_says_its_remedy_once(label, form, remedy, tmp_path):
    (problem,) = read_rows(tmp_path, (OTHER, label, form, WEEKS)).problems
    assert str(problem).count("write ") == 1
    assert remedy in str(problem)


CRITERIA = [
    (OTHER, "criterion", "inclusion", "Age 3 to 25 years"),
    (OTHER, "criterion", "inclusion", "ECOG performance status 0-1"),
]


@pytest.mark.parametrize(
    ("rows", "warning"),
    [
        (CRITERIA, "2 of about 15 criteria that the rules read"),
        (
            [(OTHER, "constraints", "ECOG: 0-1", "ECOG performance status 0-1")],
            "1 of about",
        ),
        ([(OTHER, "criterion", "none", "")], ""),
        ([(OTHER, "sex", "all", "")], ""),
    ],
)
def test_gold_of_a_few_items_is_warned_of(rows, warning, tmp_path):
    found = read_rows(tmp_path, *rows)
    assert found.problems == ()
    warnings = [str(problem) for problem in found.few]
    if not warning:
        assert warnings == []
        return
    assert warning in warnings[0]
    assert "--only-given" in warnings[0]


@pytest.mark.parametrize(
    ("label", "lost"),
    [
        ("constraint", "eligibility.criteria.constraints"),
        ("Constriants", "eligibility.criteria.constraints"),
        ("eligibility.criteria.constrains", "eligibility.criteria.constraints"),
        ("minimum_agee", "eligibility.minimum_age"),
        ("sexx", "eligibility.sex"),
        ("amount", "dosing.amounts"),
    ],
)
def test_a_misspelt_field_is_not_scored(label, lost, tmp_path):
    quote = "Life expectancy of at least 12 weeks"
    misspelt = (OTHER, label, "eGFR: >= 60 mL/min", quote)
    scored = read_rows(tmp_path, *ROWS).gold[OTHER]["scored"]

    found = read_rows(tmp_path, *ROWS, misspelt)

    assert len(found.problems) == 1
    still_scored = found.gold[OTHER]["scored"]
    assert [field for field in scored if field not in still_scored] == [lost]


@pytest.mark.parametrize("label", ["colour", ""])
def test_a_field_that_nobody_knows_may_be_any_that_nothing_says(label, tmp_path):
    found = read_rows(
        tmp_path,
        (OTHER, "record", "scored: all", ""),
        (OTHER, "sex", "all", ""),
        (OTHER, label, "x", ""),
    )

    assert "row 4" in str(found.problems[0])
    assert found.gold[OTHER]["scored"] == ["eligibility.sex"]


@pytest.mark.parametrize(
    "says", [("sort: diagnosis", "inclusion"), ("inclusion", "sort: diagnosis")]
)
@pytest.mark.parametrize("category_first", [True, False])
def test_an_unknown_line_of_an_item_costs_what_no_mark_says(says, category_first):
    quote = "Life expectancy of at least 12 weeks"
    criterion = Mark(OTHER, "row 2", "criterion", quote, says=says, id="c1")
    category = Mark(
        OTHER, "row 3", "category", quote, says=("life_expectancy",), of="c1"
    )
    marks = [category, criterion] if category_first else [criterion, category]

    built = build_gold(find_record(OTHER), marks)

    (problem,) = built.problems
    assert "'sort' is no field of a criterion" in str(problem)
    scored = built.gold["scored"]
    assert "eligibility.criteria.kind" in scored
    assert "eligibility.criteria.category" in scored
    assert "eligibility.criteria.constraints" not in scored


@pytest.mark.parametrize(
    ("label", "words", "value"),
    [
        ("minimum_age", "Age 3 to 25 years", {"value": 3, "unit": "year"}),
        ("maximum_age", "Age 3 to 25 years", {"value": 25, "unit": "year"}),
        ("instrument", "CTCAE version 5.0", {"name": "CTCAE", "version": "5.0"}),
        ("time_points", "28 days after infusion", [{"value": 28, "unit": "day"}]),
    ],
)
def test_a_mark_without_a_value_is_read_from_its_words(label, words, value):
    built = build_gold(find_record(OTHER), [Mark(OTHER, "region a", label, words)])

    assert built.problems == ()
    (item,) = built.gold.get("endpoints") or [built.gold["eligibility"]]
    assert item[label] == value


def test_a_limit_without_a_value_is_read_from_its_words():
    mark = Mark(ID, "region a", "constraints", "Karnofsky performance status >= 70")

    built = build_gold(find_record(), [mark])

    (criterion,) = built.gold["eligibility"]["criteria"]
    assert [constraint["value"] for constraint in criterion["constraints"]] == [70]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("category", "CTCAE version 5.0"),
        ("maximum_age", "Life expectancy of at least 12 weeks"),
        ("sex", "Life expectancy of at least 12 weeks"),
    ],
)
def test_what_the_words_of_a_mark_do_not_say_is_no_value(label, words):
    built = build_gold(find_record(OTHER), [Mark(OTHER, "region a", label, words)])

    assert len(built.problems) == 1
    assert built.gold is None


def test_a_changed_text_is_told(pairs, tmp_path):
    gold, record = pairs[0]
    changed = record.model_copy(update={"sections": record.sections[:5]})
    records = tmp_path / "records.jsonl"
    records.write_text(f"{changed.model_dump_json()}\n", "utf-8")
    path = export([(gold, record)], Layout.LABEL_STUDIO, tmp_path)

    found = import_gold(path, [records], LABELS)

    assert "stands nowhere in NCT90000006" in str(found.problems[0])
    assert list_errors(tmp_path, found.gold, records) == []


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([{"data": {"text": "x"}}], "task 1: has no record; make tasks with"),
        (
            [{"data": {"record_id": ID, "extractor_format": 9}}],
            "task 1: is of another version of the export; export the gold again",
        ),
        (
            [{"id": 5, "data": {"record_id": ID}}],
            "task 5: has no annotation; submit it",
        ),
        (
            [
                {
                    "data": {"record_id": ID},
                    "annotations": [{"completed_by": 1}, {"completed_by": 2}],
                }
            ],
            "has 2 annotations; choose one of 1, 2 with --annotator",
        ),
    ],
)
def test_a_task_without_gold_says_what_to_do(tasks, message, tmp_path):
    path = tmp_path / "a.json"

    path.write_text(json.dumps(tasks), "utf-8")

    (problem,) = import_gold(path, [RECORDS], LABELS).problems
    assert message in str(problem)


def list_errors(folder, gold, records):
    """What a check of this gold finds, without warnings."""
    path = folder / "gold.jsonl"
    lines = [f"{json.dumps(of_record)}\n" for of_record in gold.values()]
    path.write_text("".join(lines), "utf-8")
    problems = check_gold(path, read_records(records))
    return [problem for problem in problems if not problem.warns]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '[{"text": "x", "label": []}]', "export the project as JSON, not"),
        ("a.json", "[", "is not JSON"),
        (
            "a.csv",
            "id,age\n1,2\n",
            "no column record, field; `extractor gold template`",
        ),
        ("a.pdf", "", "is no file of gold from elsewhere; name a sheet"),
        ("a.xlsx", "no workbook", "is no workbook; save it as .xlsx or CSV"),
    ],
)
def test_a_file_of_another_kind_is_one_line(name, content, message, tmp_path):
    source = tmp_path / name
    source.write_text(content)
    to = tmp_path / "gold"

    result = invoke("gold", "import", source, "--to", to, "--records", RECORDS)

    assert result.exit_code == 1
    assert message in result.stderr
    assert not to.exists()


@pytest.fixture
def filled_sheet(tmp_path):
    """The template of a sheet with one age written into it."""
    sheet = tmp_path / "sheet.csv"
    assert invoke("gold", "template", "--to", str(sheet)).exit_code == 0
    text = sheet.read_text("utf-8-sig")
    assert text.startswith("record,field,value,quote")
    sheet.write_text(text.replace(",minimum_age,,", f"{OTHER},minimum_age,3 year,"))
    return sheet


def test_a_filled_template_is_imported(filled_sheet, tmp_path):
    gold = str(tmp_path / "gold")
    command = ("gold", "import", str(filled_sheet), "--to", gold, "--records", RECORDS)

    result = invoke(*command)

    assert (result.exit_code, result.stdout) == (0, "")
    assert (
        f"gold of 1 record in {gold}, 0 problems; next: extractor evaluate"
        in result.stderr
    )
    again = invoke(*command)
    assert again.exit_code == 2
    assert "exists already; add --force" in again.stderr
    assert invoke(*command, "--force").exit_code == 0


def test_imported_gold_is_exported_with_its_records(filled_sheet, tmp_path):
    gold = str(tmp_path / "gold")
    invoke("gold", "import", str(filled_sheet), "--to", gold, "--records", RECORDS)
    command = ("gold", "export", gold, "--format", "brat", "--to")

    without_records = invoke(*command, tmp_path / "a")
    assert "name the records" in without_records.stderr

    with_records = invoke(*command, tmp_path / "b", "--records", RECORDS)
    assert with_records.exit_code == 0

    of_others = invoke(*command, tmp_path / "c", "--records", "seeds/records")
    assert "no text for 1 record, such as NCT90000007" in of_others.stderr

    without_format = invoke("gold", "export", gold, "--to", tmp_path / "d")
    assert without_format.exit_code == 2


def test_label_studios_interface_names_every_label(tmp_path):
    gold = TrialExtraction(record_id=ID, eligibility={"sex": "all"})

    task = export_task(gold, tmp_path / "ls")

    config = (tmp_path / "ls" / "labels.xml").read_text("utf-8")
    for result in task["predictions"][0]["result"]:
        assert f'name="{result["from_name"]}"' in config
        assert f'name="{result["to_name"]}"' in config
        if result["type"] == "labels":
            value = result["value"]
            assert f'<Label value="{value["labels"][0]}"/>' in config
            assert task["data"]["text"][value["start"] : value["end"]] == value["text"]


def export_task(extraction, folder):
    """The task of Label Studio for an extraction."""
    pair = (extraction, find_record())
    export_gold([pair], folder, Layout.LABEL_STUDIO, LABELS)
    (task,) = json.loads((folder / "tasks.json").read_text("utf-8"))
    return task


def test_marks_of_a_record_are_at_its_words():
    gold = TrialExtraction(record_id=ID, eligibility={"sex": "all"})

    (mark,) = list_marks(gold, find_record())

    assert mark.quote.startswith("Fictumab")
    assert mark.says == ("sex: all",)


@pytest.fixture(scope="module")
def own_pairs():
    """Extractions with fields of the record and of criteria."""
    pairs = review(Extractor(effort="none", fields=OWN_FIELDS))
    items = []
    for gold, _ in pairs:
        for own in gold.custom.values():
            items += own
    assert any(item.of for item in items)
    return pairs


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx", "A.XLSX"])
@pytest.mark.parametrize("has_own", [False, True])
def test_each_sheet_comes_back_without_a_change(
    has_own, name, pairs, own_pairs, tmp_path
):
    exported = own_pairs if has_own else pairs
    labels = OWN if has_own else LABELS
    path = tmp_path / name

    export_gold(exported, path, Layout.SHEET, labels)
    found = import_gold(path, [RECORDS], labels)

    assert found.problems == ()
    assert found.gold == {gold.record_id: gold.to_gold() for gold, _ in exported}


def test_the_template_is_a_workbook_by_the_ending_of_its_name(tmp_path):
    template = tmp_path / "sheet.xlsx"

    assert invoke("gold", "template", "--to", str(template)).exit_code == 0

    rows = list(openpyxl.load_workbook(template).active.iter_rows(values_only=True))
    assert rows[0][:4] == ("record", "field", "value", "quote")
    assert "minimum_age" in [row[1] for row in rows]
    assert import_gold(template, [RECORDS], LABELS).problems == ()


def test_gold_is_a_workbook_by_the_ending_of_its_name(tmp_path):
    run = extract(RECORDS, tmp_path / "run")
    to = tmp_path / "gold.xlsx"
    command = ("gold", "export", str(run), "--to")

    assert invoke(*command, to).exit_code == 0
    assert openpyxl.load_workbook(to).active.max_row > 10

    assert invoke(*command, to, "--format", "sheet", "--force").exit_code == 0
    assert openpyxl.load_workbook(to).active.max_row > 10

    refused = invoke(*command, "x", "--format", "sheet")
    assert refused.exit_code == 2
    assert "name it as .csv or .xlsx" in refused.stderr


def test_a_text_that_no_workbook_holds_says_to_write_csv(tmp_path):
    criterion = {"kind": "inclusion", "section": "eligibility", "quote": "Adults\x07"}
    gold = TrialExtraction(record_id="a/b", eligibility={"criteria": [criterion]})
    section = Section(name="eligibility", text="* Adults\x07")
    record = WEIRD.model_copy(update={"sections": (section,)})

    with pytest.raises(GoldError, match=r"no workbook can hold; write a \.csv file"):
        export_gold([(gold, record)], tmp_path / "a.xlsx", Layout.SHEET, LABELS)


def test_a_prediction_has_the_confidence_of_its_items(tmp_path):
    extraction = Extractor(effort="none").extract(find_record())
    evidence = extraction.eligibility.criteria[0].evidence
    least = min(piece.confidence for piece in evidence)

    task = export_task(extraction, tmp_path / "ls")

    (prediction,) = task["predictions"]
    scores = {
        result["id"]: result.get("score")
        for result in prediction["result"]
        if result["type"] == "labels"
    }
    assert scores["criterion1"] == round(least, 3)
    assert 0 < prediction["score"] <= 1


def test_gold_is_certain_since_a_person_wrote_it(tmp_path):
    extraction = Extractor(effort="none").extract(find_record())
    gold = TrialExtraction.model_validate(extraction.to_gold())

    task = export_task(gold, tmp_path / "gold")

    assert '"score"' not in json.dumps(task["predictions"])


def test_brat_has_a_note_with_the_confidence_which_says_nothing_of_gold(tmp_path):
    record = find_record()
    extraction = Extractor(effort="none").extract(record)

    export_gold([(extraction, record)], tmp_path, Layout.BRAT, LABELS)

    marks = (tmp_path / f"{ID}.ann").read_text("utf-8")
    assert "\tConfidence T2\t0." in marks
    found = import_gold(tmp_path, [RECORDS], LABELS)
    assert found.problems == ()
    assert found.gold[ID] == extraction.to_gold()
