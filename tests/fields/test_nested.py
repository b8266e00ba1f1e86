"""Custom fields with nested models and lists of models: asked, proven, stored, tabulated, scored,
corrected and compared, each nested value on its own.
"""

import json
from enum import Enum
from itertools import pairwise

import pytest
from pydantic import BaseModel, Field

from extractor import Extractor, evaluate, find_values
from extractor.apps.export import tabulate
from extractor.concepts.own.models import read_fields
from extractor.errors import FieldError
from extractor.schemas import Period, TrialExtraction
from tests.commands import invoke, read_lines
from tests.llm.stub import serve
from tests.report.test_report import read_records
from tests.review.reviewing import Client
from tests.review.reviewing import serve as serve_review
from tests.trust import answering, trial

FIELDS = '''
from typing import Literal
from pydantic import BaseModel, Field
from extractor.schemas import Period

class Method(BaseModel):
    """One way not to become pregnant."""
    name: str
    free_for: Period | None = None
    brands: list[str] = []

class Limit(BaseModel):
    failure: float
    kinds: list[Literal["barrier", "hormonal"]] = []

class Contraception(BaseModel, json_schema_extra={
    "mentions": ["contracept"],
    "examples": [{
        "text": "Women must use condoms for 4 weeks or a coil",
        "value": {
            "sex": "female",
            "methods": [{"name": "condoms", "free_for": "4 week"}, {"name": "coil"}],
        },
    }],
}):
    """Who must not become pregnant, and how."""
    sex: Literal["female", "male", "both"]
    methods: list[Method]
    limit: Limit | None = None

class Visits(BaseModel):
    """When participants are seen."""
    seen: list["Visit"] = Field(
        json_schema_extra={"pattern": r"(?P<name>[a-z]+ visit) after (?P<after>\\d+ weeks)"}
    )

class Visit(BaseModel):
    name: str
    after: Period
'''
LINE = (
    "Women must use contraception with a failure rate below 1 %: condoms (Examplon, Trialex) "
    "for 4 weeks, or an implant for 6 months"
)
CONDOMS = "condoms (Examplon, Trialex) for 4 weeks"
METHODS = [
    {
        "quote": CONDOMS,
        "name": "condoms",
        "free_for": "4 week",
        "brands": ["Examplon", "Trialex"],
    },
    {"quote": "an implant for 6 months", "name": "implant", "free_for": "6 month"},
]
LIMIT = {
    "quote": "a failure rate below 1 %",
    "failure": "1",
    "kinds": ["barrier"],
}
ANSWER = {
    "quote": "Women must use contraception",
    "sex": "female",
    "methods": METHODS,
    "limit": LIMIT,
}
RECORD = "NCT90000001"
ITEM = "custom.contraception[0]"


def write_study(path):
    module = {
        "identificationModule": {"nctId": RECORD, "briefTitle": "Examplumab"},
        "descriptionModule": {
            "briefSummary": "First visit after 2 weeks, last visit after 8 weeks."
        },
        "eligibilityModule": {
            "eligibilityCriteria": f"Inclusion Criteria:\n\n* {LINE}"
        },
    }
    path.write_text(json.dumps({"protocolSection": module}), "utf-8")
    return path


def run(folder, answer, *options):
    """Run with a stand-in model that answers the criterion, and return the run's folder."""
    folder.mkdir()
    fields = folder / "mine.py"
    fields.write_text(FIELDS, "utf-8")
    study = write_study(folder / "study.json")
    answers = {"failure rate": {"contraception": answer, "cat": "reproductive"}}
    with serve(answering(answers)) as stub:
        model = ("--model", f"{stub.url}#stub") if answer else options
        done = invoke(
            "run", study, "--fields", fields, "--out", folder / "run", "--quiet", *model
        )
    assert done.exit_code == 0, done.output
    return folder / "run"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run(tmp_path_factory.mktemp("nested") / "first", ANSWER)


@pytest.fixture(scope="module")
def extraction(made):
    (line,) = read_lines(made / "extractions.jsonl")
    return TrialExtraction.model_validate(line)


def succeed(*words):
    done = invoke(*words)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_each_nested_value_has_its_own_words(made, extraction):
    (item,) = extraction.custom["contraception"]
    text = f"Inclusion Criteria:\n\n* {LINE}"
    proofs = {piece.field: piece for piece in item.evidence}
    quotes = {field: piece.quote for field, piece in proofs.items()}
    assert quotes == {
        "values.sex": "Women must use contraception",
        "values.methods[0].name": "condoms",
        "values.methods[0].free_for": "4 weeks",
        "values.methods[0].brands[0]": "Examplon",
        "values.methods[0].brands[1]": "Trialex",
        "values.methods[1].name": "implant",
        "values.methods[1].free_for": "6 months",
        "values.limit.failure": "1",
        "values.limit.kinds[0]": "a failure rate below 1 %",
    }
    for piece in item.evidence:
        assert text[piece.start : piece.end] == piece.quote
        assert piece.confidence >= 0.85
    assert item.values["methods"][1]["free_for"] == Period(value=6, unit="month")
    reasons = {absence.field: absence.reason.value for absence in extraction.absences}
    assert reasons[f"{ITEM}.values.methods[1].brands"] == "not_reported"
    listed = succeed("list", made, "values", "--field", "contraception")
    assert "methods[1].free_for" in listed


def test_a_model_is_told_the_form_of_nested_objects():
    (field, _) = read_fields([*load(FIELDS, "Contraception", "Visits")])
    schema = field.json_schema["properties"]["methods"]
    assert schema["items"]["properties"] == {
        "quote": {"type": "string"},
        "name": {"type": "string"},
        "free_for": {"type": "string"},
        "brands": {"type": "array", "items": {"type": "string"}},
    }
    (answer,) = field.complete_answers(field.examples[0])
    assert [method["quote"] for method in answer["methods"]] == [
        "condoms for 4 weeks",
        "coil",
    ]
    (methods,) = [part for part in field.attributes if part.name == "methods"]
    assert methods.describe().splitlines() == [
        "- methods: a list, each an object of quote (the words that state this one alone) and "
        "these. One way not to become pregnant.",
        "  - name: as a quote",
        '  - free_for: "4 week"',
        "  - brands: a list, each as a quote",
    ]


def load(text, *names):
    module = {"__name__": "mine"}
    exec(text, module)
    module["Visits"].model_rebuild(_types_namespace=module)
    return [module[name] for name in names]


def change(number, **parts):
    methods = [dict(method) for method in METHODS]
    methods[number] |= parts
    return ANSWER | {"methods": methods}


IMPLANT = {"quote": "an implant for 6 months"}


@pytest.mark.parametrize(
    ("answer", "kept", "least", "kind"),
    [
        # a time of the other method
        (change(1, free_for="4 week"), [("condoms", 4), ("implant", None)], 0.85, "quote_conflict"),
        # a name of the other method is stated, but not by these words
        (change(1, name="condoms"), [("condoms", 4), ("condoms", 6)], 0.6, None),
        # words that are not in the line, and words of both methods
        (change(1, quote="an implant for 9 months"), [("condoms", 4)], 0.85, "quote_conflict"),
        (change(1, quote=LINE[60:]), [("condoms", 4), ("implant", 6)], 0.6, None),
        (change(1, quote=""), [("condoms", 4), ("implant", 6)], 0.6, None),
        # without its required name, an object is dropped, and the others stay
        (change(1, name=""), [("condoms", 4)], 0.85, "answer_missing"),
        (change(1, free_for="a while"), [("condoms", 4), ("implant", None)], 0.85, "answer_missing"),
        (change(1, name="pessary"), [("condoms", 4)], 0.85, "quote_not_found"),
        (ANSWER | {"methods": METHODS[:1] * 2}, [("condoms", 4)], 0.85, None),
        # a list of names alone
        (ANSWER | {"methods": ["condoms", "implant"]}, [("condoms", None), ("implant", None)], 0.6, None),
    ],
)  # fmt: skip
def test_a_nested_value_is_sure_only_in_words_of_its_own(answer, kept, least, kind):
    record = trial(eligibility=f"Inclusion Criteria:\n\n* {LINE}")
    (model,) = load(FIELDS, "Contraception")
    with serve(answering({"failure rate": {"contraception": answer}})) as stub:
        extraction = Extractor(stub.spec, fields=model).extract(record)
    (item,) = extraction.custom["contraception"]
    methods = item.values["methods"]
    told = [
        (each["name"], getattr(each.get("free_for"), "value", None)) for each in methods
    ]
    assert told == kept
    assert item.confidence == least
    kinds = {
        finding.kind.value
        for finding in extraction.findings
        if "own" not in finding.field
    }
    assert kind is None or kind in kinds


def test_a_pattern_reads_a_list_of_objects(extraction):
    (item,) = extraction.custom["visits"]
    seen = [(visit["name"], str(visit["after"])) for visit in item.values["seen"]]
    assert seen == [("First visit", "2 week"), ("last visit", "8 week")]
    assert item.origin == "rule"


class Part(BaseModel):
    name: str
    inner: list[str] = []


class Whole(BaseModel):
    """Something."""

    part: list[Part] = Field([], json_schema_extra={"pattern": "(?P<name>a+)"})


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a+", "whole.part: .* reads a nested model; write a group for each of its attributes"),
        ({"x": "(?P<name>a)"}, "whole.part: .* reads a nested model"),
        ("(?P<nam>a)", r"captures nam, which is not an attribute of the field \(did you mean name"),
    ],
)  # fmt: skip
def test_a_pattern_that_names_no_nested_attribute_is_refused(pattern, said):
    schema = Whole.model_json_schema()
    schema["properties"]["part"]["pattern"] = pattern
    with pytest.raises(FieldError, match=said):
        read_fields(schema)


def test_a_list_of_objects_is_a_table_of_its_own(made, extraction, tmp_path):
    succeed("export", made, "--to", tmp_path / "tables", "--format", "csv")
    main, methods = (
        (tmp_path / "tables" / f"custom_{name}.csv").read_text("utf-8").splitlines()
        for name in ("contraception", "contraception_methods")
    )
    assert main == [
        "record_id,item_index,of,sex,limit_failure,limit_kinds,origin,confidence,calibrated",
        f"{RECORD},0,,female,1,barrier,model,0.85,false",
    ]
    assert methods == [
        "record_id,item_index,methods_index,name,free_for_value,free_for_unit,brands,confidence",
        f"{RECORD},0,0,condoms,4,week,Examplon|Trialex,0.9",
        f"{RECORD},0,1,implant,6,month,,0.9",
    ]
    # the extraction alone, as read from the file, knows its tables
    frame = extraction.table("custom_contraception_methods")
    assert list(frame["name"]) == ["condoms", "implant"]
    assert list(frame["free_for_value"]) == [4, 6]
    assert extraction.table("custom_visits_seen")["after_unit"].unique() == ["week"]


class Deep(BaseModel, json_schema_extra={"name": "deep"}):
    """Something."""

    class Outer(BaseModel):
        class Inner(BaseModel):
            item: str

        item: list[Inner]
        one: Part | None = None

    item: list[Outer]
    share: list[float] = []


def test_lists_in_lists_and_any_names_have_distinct_tables_and_columns():
    inner = [{"item": "a"}, {"item": "b"}]
    values = {"item": [{"item": inner}, {"item": inner[:1], "one": {"name": "c"}}]}
    said = {
        "record_id": "A",
        "eligibility": {},
        "custom": {"deep": [{"values": values}]},
    }
    tables = tabulate([TrialExtraction.model_validate(said)], fields=Deep)
    assert [row["one_name"] for row in tables["custom_deep_item"]] == [None, "c"]
    rows = tables["custom_deep_item_item"]
    assert [tuple(row.values())[:5] for row in rows] == [
        ("A", 0, 0, 0, "a"),
        ("A", 0, 0, 1, "b"),
        ("A", 0, 1, 0, "a"),
    ]
    assert all(len(set(row)) == 6 for row in rows)


def test_two_fields_do_not_share_a_table():
    methods = Whole.model_json_schema() | {"title": "WholePart"}
    with pytest.raises(
        FieldError, match="whole_part: the field whole also has a table"
    ):
        read_fields([Whole, methods])


def test_two_lists_of_a_field_do_not_share_a_table():
    class Part(BaseModel):
        name: str

    class Group(BaseModel):
        part: list[Part]

    class Drug(BaseModel):
        """What a drug consists of."""

        group: Group
        group_part: list[Part]

    with pytest.raises(FieldError, match="also has a table custom_drug_group_part"):
        read_fields(Drug)


def test_the_values_are_objects_of_the_users_classes(extraction):
    contraception, visits = load(FIELDS, "Contraception", "Visits")
    (found,) = find_values(extraction, contraception)
    assert found.methods[1].free_for == Period(value=6, unit="month")
    assert (found.methods[1].brands, found.limit.kinds) == ([], ["barrier"])
    (found,) = find_values(extraction, visits)
    assert [visit.name for visit in found.seen] == ["First visit", "last visit"]


class Colour(Enum):
    RED = "red"


class Sample(BaseModel):
    colour: Colour
    flag: bool
    days: list[Period] | None
    count: int | None


class Taken(BaseModel, json_schema_extra={"many": True}):
    """Something."""

    sample: Sample | None
    samples: list[Sample]


def test_nested_attributes_have_every_type():
    sample = {"colour": "red", "flag": True, "days": ["3 day", "2 week"], "count": "3"}
    (field,) = read_fields(Taken)
    ((claim,), faults) = field.read(
        [{"samples": [sample, {"colour": "blue"}], "sample": sample}]
    )
    assert claim["sample"]["days"][1] == Period(value=2, unit="week")
    assert (claim["sample"]["count"], claim["sample"]["flag"]) == (3, True)
    assert next(reason for _, reason in faults).startswith(
        "taken.samples.colour: 'blue' is none"
    )
    assert read_fields(Taken.model_json_schema()) == (field,)
    said = {
        "record_id": "A",
        "eligibility": {},
        "custom": {"taken": [{"values": claim}]},
    }
    extraction = TrialExtraction.model_validate(said)
    back = TrialExtraction.model_validate_json(extraction.model_dump_json())
    (value,) = find_values(back, Taken)
    assert value.sample == value.samples[0]
    assert value.sample.colour is Colour.RED


def make_gold(extraction):
    return json.loads(json.dumps(extraction.to_gold()))


def swap(methods):
    times = [method["free_for"] for method in methods]
    for method, time in zip(methods, reversed(times), strict=True):
        method["free_for"] = time


def test_nested_values_are_scored_with_their_own_counterparts(
    extraction, made, tmp_path
):
    (model,) = load(FIELDS, "Contraception")
    gold = make_gold(extraction)
    methods = gold["custom"]["contraception"][0]["values"]["methods"]
    right = evaluate([gold], [extraction], fields=model, resamples=0)
    assert right.figure("custom") == 1.0
    methods.reverse()
    assert (
        evaluate([gold], [extraction], fields=model, resamples=0).figure("custom")
        == 1.0
    )
    swap(methods)
    report = evaluate([gold], [extraction], fields=model, resamples=0)
    assert report.figure("contraception.methods.name") == 1.0
    assert report.figure("contraception.methods.free_for") == 0.0
    assert report.errors[0].examples[0].predicted.evidence[0].quote in (
        "4 weeks",
        "6 months",
    )
    methods.append({"name": "coil"})
    report = evaluate([gold], [extraction], fields=model, resamples=0)
    assert report.figure("contraception.methods.name") == pytest.approx(4 / 5)
    (tmp_path / "gold.jsonl").write_text(json.dumps(gold), "utf-8")
    scored = succeed("evaluate", tmp_path / "gold.jsonl", made)
    assert "custom.contraception.methods.free_for\t2\t0.000" in scored
    methods[0]["free_for"] = "a while"
    with pytest.raises(
        Exception, match=r"values.methods.free_for: 'a while': write a time"
    ):
        evaluate([gold], [extraction], fields=model, resamples=0)
    methods[0] = {"named": "coil"}
    with pytest.raises(Exception, match="methods: has no attribute 'named'"):
        evaluate([gold], [extraction], fields=model, resamples=0)


@pytest.mark.parametrize("name", ["gold.csv", "gold.xlsx"])
def test_gold_in_sheets_has_a_row_for_each_nested_value(
    made, extraction, name, tmp_path
):
    sheet = tmp_path / name
    succeed("gold", "export", made, "--to", sheet)
    fields = made.parent / "mine.py"
    source = made.parent / "study.json"
    succeed(
        "gold",
        "import",
        sheet,
        "--to",
        tmp_path / "back",
        "--fields",
        fields,
        "--records",
        source,
    )
    (path,) = (tmp_path / "back").glob("*.json")
    assert json.loads(path.read_text("utf-8")) == make_gold(extraction)
    if name == "gold.csv":
        assert (
            "custom.contraception[0],values.methods[1].name,,,implant"
            in sheet.read_text("utf-8")
        )


def test_a_reviewer_sees_and_corrects_nested_values(made, tmp_path):
    with serve_review(made, tmp_path / "gold") as served:
        client = Client(served)
        field = client.item(ITEM, RECORD)["fields"]["values.methods"]
        assert field["said"] == "condoms, 4 weeks, Examplon, Trialex, implant, 6 months"
        methods = field["value"]
        methods[1] |= {"name": "coil", "free_for": None}
        client.change(ITEM, {"values.methods": methods}, RECORD)
        status, answer = client.finish(RECORD, anyway=True)
        assert status == 200, answer
        page = served.gold / f"{RECORD}.json"
        written = json.loads(page.read_text("utf-8"))["custom"]["contraception"]
        assert written[0]["values"]["methods"][1] == {"name": "coil"}


def test_the_report_and_the_comparison_of_runs_show_nested_values(made, tmp_path):
    succeed("report", made, "--out", tmp_path / "report.html")
    (shown,) = read_records((tmp_path / "report.html").read_text("utf-8")).values()
    said = {
        value["label"]: value["said"]
        for item in shown["items"]
        for value in item["values"]
    }
    assert said["methods 2 free for"] == "6 months"
    other = run(tmp_path / "second", change(1, quote="an implant", free_for=None))
    changes = succeed("diff", made, other)
    assert "custom.contraception.values.methods.free_for" in changes
    assert "6 months" in changes


def test_a_run_is_replayed_and_continued_with_nested_fields(made, tmp_path):
    again = run(tmp_path / "again", None, "--replay", made)
    (first,), (second,) = (
        read_lines(path / "extractions.jsonl") for path in (made, again)
    )
    assert first["custom"] == second["custom"]
    assert first["absences"] == second["absences"]


def test_the_places_of_members_are_in_order(extraction):
    (item,) = extraction.custom["visits"]
    starts = [piece.start for piece in item.evidence]
    assert all(before < after for before, after in pairwise(starts))


class Strength(BaseModel):
    """Something."""

    class Level(BaseModel):
        value: float
        unit: str

    level: Level
    levels: list[Level] = []


def test_objects_with_the_keys_of_a_time_are_still_objects_of_the_field():
    level = {"value": 1, "unit": "day"}
    values = {"level": level, "levels": [level, {"value": 2, "unit": "mg"}]}
    said = {
        "record_id": "A",
        "eligibility": {},
        "custom": {"strength": [{"values": values}]},
    }
    extraction = TrialExtraction.model_validate(said)
    tables = tabulate([extraction], fields=Strength)
    assert tables["custom_strength"][0]["level_unit"] == "day"
    assert [row["unit"] for row in tables["custom_strength_levels"]] == ["day", "mg"]
    assert (
        evaluate([said], [extraction], fields=Strength, resamples=0).figure("custom")
        == 1.0
    )
    assert find_values(extraction, Strength)[0].levels[1].unit == "mg"


def test_values_that_are_nested_too_deeply_are_refused(tmp_path):
    deep = "[" * 500 + "]" * 500
    gold = '{"record_id": "A", "eligibility": {}, "custom": {"x": [{"values": {"y": %s}}]}}'
    (tmp_path / "gold.jsonl").write_text(gold % deep, "utf-8")
    done = invoke("evaluate", tmp_path / "gold.jsonl", tmp_path / "gold.jsonl")
    assert done.exit_code == 1
    assert (
        "custom.x[0].values: Value error, the value is nested too deeply" in done.output
    )
