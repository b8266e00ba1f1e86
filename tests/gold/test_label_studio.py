"""Label Studio's exports as people make them: relations, single regions, misspelt lines."""

import json

import pytest

from extractor.apps.gold.files import import_gold
from extractor.apps.gold.marks import Labels
from extractor.concepts.own.models import read_fields
from extractor.schemas import Section, Source, TrialRecord

TEXT = "Inclusion Criteria:\n\n* Adults\n\nExclusion Criteria:\n\n* Warfarin within 4 weeks"
DOSE = "Patients receive Examplib 10 mg twice daily for 4 weeks and Otherib 20 mg once daily."
RECORD = TrialRecord(
    record_id="alpha",
    source=Source(path="a", format="flat"),
    sections=(
        Section(name="brief_summary", text=DOSE),
        Section(name="eligibility", text=TEXT),
    ),
)
SHOWN = f"# brief_summary\n{DOSE}\n\n# eligibility\n{TEXT}\n\n"


def region(name, label, words, *lines, parent=None):
    start = SHOWN.index(words)
    place = {"start": start, "end": start + len(words), "text": words}
    known = {"id": name, "to_name": "text"}
    if parent:
        known["parentID"] = parent
    yield {
        **known,
        "from_name": "label",
        "type": "labels",
        "value": {**place, "labels": [label]},
    }
    if lines:
        yield {
            **known,
            "from_name": "value",
            "type": "textarea",
            "value": {**place, "text": list(lines)},
        }


def relate(first, second):
    return [
        {"type": "relation", "from_id": first, "to_id": second, "direction": "right"}
    ]


def read(tmp_path, *results, labels=None, text=SHOWN):
    records = tmp_path / "records.jsonl"
    records.write_text(f"{RECORD.model_dump_json()}\n", "utf-8")
    listed = [result for some in results for result in some]
    task = {
        "id": 1,
        "data": {"text": text, "record_id": "alpha", "extractor_format": 1},
        "annotations": [{"completed_by": 1, "result": listed}],
    }
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task]), "utf-8")
    found = import_gold(path, [records], labels or Labels())
    return found.gold.get("alpha", {}), [str(problem) for problem in found.problems]


AGENT = list(region("a", "agent", "Examplib"))
AMOUNT = list(region("b", "amounts", "10 mg"))
OFTEN = list(region("c", "frequency", "twice daily"))
OTHER = [*region("d", "agent", "Otherib"), *region("e", "amounts", "20 mg")]


@pytest.mark.parametrize(
    "relations",
    [
        [*relate("b", "a"), *relate("c", "a")],
        # drawn from the agent
        [*relate("a", "b"), *relate("a", "c")],
        # a chain
        [*relate("c", "b"), *relate("b", "a")],
        [*relate("b", "c"), *relate("a", "b")],
    ],
)
def test_regions_that_relations_join_make_one_regimen(relations, tmp_path):
    others = [*OTHER, *relate("e", "d")]
    gold, problems = read(tmp_path, AMOUNT, AGENT, OFTEN, relations, others)
    assert problems == []
    first, second = gold["dosing"]
    assert (first["agent"], first["amounts"][0]["high"]) == ("Examplib", 10)
    assert first["frequency"] == "BID"
    assert first["quote"] == "Examplib 10 mg twice daily"
    assert second["agent"] == "Otherib"
    assert second["amounts"][0]["high"] == 20
    assert second["quote"] == "Otherib 20 mg"


@pytest.mark.parametrize("label", ["agent", "regimen"])
def test_regions_within_a_region_belong_to_it(label, tmp_path):
    whole = "Examplib" if label == "agent" else "Examplib 10 mg twice daily"
    lines = [] if label == "agent" else ["Agent: Examplib"]
    gold, problems = read(
        tmp_path,
        region("a", label, whole, *lines),
        region("b", "amounts", "10 mg", parent="a"),
    )
    assert problems == []
    (dose,) = gold["dosing"]
    assert (dose["agent"], dose["amounts"][0]["high"]) == ("Examplib", 10)


def test_an_agent_within_a_regimen_is_its_agent(tmp_path):
    whole = region("r", "regimen", "Examplib 10 mg twice daily")
    gold, problems = read(tmp_path, whole, AGENT, AMOUNT)
    assert problems == []
    (dose,) = gold["dosing"]
    assert (dose["agent"], dose["amounts"][0]["high"]) == ("Examplib", 10)


def test_a_dose_without_its_agent_says_what_to_do_in_label_studio(tmp_path):
    gold, (problem,) = read(tmp_path, AMOUNT, region("k", "sex", "Adults", "all"))
    assert "amounts is of a regimen whose agent is not known; mark the agent" in problem
    assert "create a relation between the two regions" in problem
    assert gold["scored"] == ["eligibility.sex"]
    _, (problem,) = read(tmp_path, region("r", "regimen", "Examplib 10 mg"), AMOUNT)
    assert "the regimen has no agent; write a line agent: NAME" in problem
    assert problem.count("task 1") == 1


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (
            [AMOUNT, AGENT, OTHER, relate("b", "a"), relate("b", "d")],
            "is joined to several items (a and d); join it to one",
        ),
        ([AMOUNT, AGENT, relate("b", "x")], "a relation of it leads to no region"),
        (
            [AGENT, OTHER[:1], relate("a", "d")],
            "warning: ",
        ),
        (
            [region("k", "category", "Adults", "other"), AGENT, relate("k", "a")],
            "a relation of this",
        ),
        (
            [AGENT, [{"id": "q", "type": "choices", "value": {"choices": ["x"]}}]],
            "has results of the type choices; write what it says",
        ),
    ],
)
def test_no_relation_is_ignored_without_a_word(results, message, tmp_path):
    _, problems = read(tmp_path, *results)
    assert message in "".join(problems)


CRITERION = "Warfarin within 4 weeks"


@pytest.mark.parametrize(
    "line",
    [
        "category: concomitant_therapy",
        "Category: Concomitant therapy",
        "CATEGORY : concomitant therapy",
    ],
)
def test_a_line_may_be_written_in_any_case(line, tmp_path):
    gold, problems = read(tmp_path, region("a", "criterion", CRITERION, line))
    assert problems == []
    (criterion,) = gold["eligibility"]["criteria"]
    assert criterion["category"] == "concomitant_therapy"
    assert criterion["kind"] == "exclusion"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("categry: diagnosis", "'categry' is no field of a criterion (did you mean ca"),
        ("Catgory: diagnosis", "'Catgory' is no field of a criterion (did you mean ca"),
        ("sort: diagnosis", "'sort' is no field of a criterion; write lines such as"),
    ],
)
def test_a_misspelt_line_names_its_cause_and_is_not_scored(line, message, tmp_path):
    gold, (problem,) = read(
        tmp_path,
        region("r", "record", "Patients receive", "scored: all", "sex: all"),
        region("a", "criterion", CRITERION, line),
    )
    assert message in problem
    assert "kind: " not in problem
    assert "eligibility.criteria.category" not in gold["scored"]
    assert "eligibility.sex" in gold["scored"]


def test_a_misspelt_line_of_the_record_costs_no_other(tmp_path):
    lines = ("scored: all", "minimun_age: 18 year", "sex: female")

    gold, (problem,) = read(tmp_path, region("r", "record", "Patients receive", *lines))

    assert (
        "'minimun_age' is no field of a record (did you mean minimum_age?)" in problem
    )
    assert gold["eligibility"]["sex"] == "female"
    assert "eligibility.minimum_age" not in gold["scored"]
    assert "eligibility.maximum_age" in gold["scored"]


@pytest.mark.parametrize(
    ("lines", "agent"),
    [
        (("Examplib", "amounts: 10 mg"), "Examplib"),
        (("agent: Examplib", "Amounts: 10 mg"), "Examplib"),
        (("dose: 10 mg",), None),
        (("agnt: Examplib",), None),
    ],
)
def test_a_line_with_a_name_is_no_agent(lines, agent, tmp_path):
    words = "Examplib 10 mg twice daily"

    gold, problems = read(tmp_path, region("a", "regimen", words, *lines))

    agents = [regimen["agent"] for regimen in gold.get("dosing", [])]
    assert agents == ([agent] if agent else [])
    assert bool(problems) is not bool(agent)


def test_a_line_of_an_own_field_keeps_its_colon(tmp_path):
    labels = Labels(
        {
            field.name: field
            for field in read_fields("extractor.catalogue:EjectionFraction")
        }
    )
    gold, problems = read(
        tmp_path,
        region("a", "ejection_fraction", CRITERION, "< 4 weeks"),
        region("b", "criterion", CRITERION, "inclusion"),
        relate("a", "b"),
        labels=labels,
    )
    assert [problem for problem in problems if "warning" not in problem] == []
    (item,) = gold["custom"]["ejection_fraction"]
    assert item["of"] == "eligibility.criteria[0]"
    assert item["values"]["limit"]["value"] == 4


def test_a_changed_text_is_one_line_and_scores_nothing(tmp_path):
    changed = SHOWN.replace("\n", "\r\n")
    results = [AGENT, AMOUNT, OFTEN, relate("b", "a"), relate("c", "a")]

    gold, (problem,) = read(tmp_path, *results, text=changed)

    assert "3 of its 3 regions do not have the words that they had" in problem
    assert "export.json, task 1: " in problem
    assert not gold


@pytest.mark.parametrize(
    "label", ["Minimum_Age", "minimum age", "eligibility.minimum_age", "MINIMUM_AGE"]
)
def test_a_label_may_be_written_in_any_case(label, tmp_path):
    gold, problems = read(tmp_path, region("a", label, "Adults", "18 year"))
    assert gold["eligibility"]["minimum_age"]["value"] == 18
    assert [problem for problem in problems if "warning" not in problem] == []
