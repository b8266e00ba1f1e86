"""The items of a reply say where the criteria begin, and define them, through every door."""

import json
import re

import pandas as pd
import pytest

from extractor import ExtractFrame, Extractor, read_results
from tests.commands import invoke, read_lines
from tests.llm.stub import completion, items, serve
from tests.provider import serve_provider

TEXT = """You may join:
Adults with eczema
Risk of falls, shown by either of
Uses a walker
Fell in the last year
Reasons to stay out:
Pregnant women
"""
CLEAN = (
    "Inclusion Criteria:\n\n* Eczema\n* Asthma\n\nExclusion Criteria:\n\n* Psoriasis"
)
SETTLED = [
    ("inclusion", "Adults with eczema", None),
    ("inclusion", "Uses a walker", "Risk of falls, shown by either of"),
    ("inclusion", "Fell in the last year", "Risk of falls, shown by either of"),
    ("exclusion", "Pregnant women", None),
]
STUDY = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT90000017", "briefTitle": "A cream"},
        "eligibilityModule": {"eligibilityCriteria": TEXT},
    }
}
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\nbatch = 0.5\n"


GOOD = (
    {"n": "You may", "list": "in", "ok": False},
    {"n": "Adults"},
    {"n": "Risk", "ok": False},
    {"n": "Uses", "under": "Risk"},
    {"n": "Fell", "under": "Risk"},
    {"n": "Reasons", "list": "ex", "ok": False},
    {"n": "Pregnant"},
)


def answering(*lines):
    """A stand-in for a model that gives these items. ``n`` and ``under`` are numbers, or the words
    that begin at the place.
    """

    def answer(request):
        text = request["messages"][-1]["content"]

        def find(begin):
            return int(re.search(rf"\[(\d+)\] (?:- )?{begin}", text)[1])

        found = []
        for line in lines:
            words = {key: line[key] for key in ("n", "under") if key in line}
            numbers = {
                key: find(begin) if isinstance(begin, str) else begin
                for key, begin in words.items()
            }
            found.append({**line, **numbers})
        return completion(items(*found))

    return answer


def list_criteria(extraction):
    return [
        (criterion.kind.value, criterion.quote, criterion.lead_in)
        for criterion in extraction.eligibility.criteria
    ]


def find_reasons(extraction):
    return [
        finding.message
        for finding in extraction.findings
        if finding.kind == "structure_doubtful"
    ]


def extract(stub, text=TEXT, **options):
    return Extractor(f"{stub.url}#stub", **options).extract_text(
        text, section="eligibility"
    )


def test_answer_decides_the_items_their_list_the_line_above_and_the_group():
    with serve(answering(*GOOD)) as stub:
        extraction = extract(stub)

    assert list_criteria(extraction) == SETTLED
    assert find_reasons(extraction) == []
    [group] = extraction.eligibility.groups
    assert (group.rule, group.lead_in) == ("any", SETTLED[1][2])
    assert extraction.usage.calls == 1


@pytest.mark.parametrize(
    ("text", "lines", "reason"),
    [
        (TEXT, [{"n": 2}, {"n": 1}], "1 is not a place, or not in the order"),
        (TEXT, [{"n": 1}, {"n": 88}], None),
        (TEXT, [{"n": 1}, {"n": 2, "under": 3}, {"n": 3}], "2 is under 3, which is no"),
        (TEXT, [{"n": 1, "ok": False}], "it names no criterion"),
        (TEXT, [{"n": "Fell"}], "it leaves out a criterion at the beginning"),
        (TEXT, [{"n": 1, "list": "maybe"}], None),
        ("- Eczema\n- Asthma\n- Pregnancy", [{"n": 1}], "it joins 2 items"),
    ],
)
def test_an_answer_that_cannot_be_proven_leaves_the_list_of_the_rules(
    text, lines, reason
):
    by_rules = Extractor().extract_text(text, section="eligibility")
    with serve(answering(*lines)) as stub:
        extraction = extract(stub, text)

    assert list_criteria(extraction) == list_criteria(by_rules)
    kinds = {finding.kind.value for finding in extraction.findings}
    if reason is None:
        assert "answer_missing" in kinds
    else:
        assert any(reason in found for found in find_reasons(extraction))


@pytest.mark.parametrize(
    ("eczema", "dose", "quote", "reason"),
    [
        (
            {"list": "in"},
            {"ok": False},
            "Stable dose of a topical steroid for 4 weeks before screening",
            "the model takes this line for a heading or a note",
        ),
        (
            {"list": "ex"},
            {},
            "Eczema",
            "the model names another list than the heading",
        ),
    ],
)
def test_what_contradicts_a_mark_or_a_heading_is_doubted(eczema, dose, quote, reason):
    text = """Inclusion criteria:
- Eczema
- Stable dose of a topical steroid for 4 weeks before screening
- Asthma
- Pregnant women"""
    lines = [
        {"n": 1, "list": "in", "ok": False},
        {"n": "Eczema", **eczema},
        {"n": "Stable", **dose},
        {"n": "Asthma"},
        {"n": "Pregnant", "list": "ex"},
    ]
    with serve(answering(*lines)) as stub:
        extraction = extract(stub, text)

    [criterion] = [one for one in extraction.eligibility.criteria if one.quote == quote]
    assert criterion.confidence <= 0.8
    assert reason in find_reasons(extraction)


@pytest.fixture
def words(tmp_path):
    """The words of a command over a doubtful record, whose model answers at an address."""
    (tmp_path / "study.json").write_text(json.dumps(STUDY), "utf-8")
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")

    def build(verb, url, *options, out="out"):
        place = ("--out", tmp_path / out) if out else ()
        words = (*verb.split(), tmp_path / "study.json", "--model", f"{url}#stub")
        priced = ("--prices", tmp_path / "prices.toml")
        return (*words, *place, *priced, *options)

    return build


def read_run(folder):
    [extraction] = read_results(folder).extractions
    return extraction


@pytest.mark.usefixtures("forked_workers")
def test_all_doors_give_the_same_result_and_a_replay_asks_nothing(words, tmp_path):
    with serve(answering(*GOOD)) as stub:
        done = invoke(*words("run", stub.url, "--quiet", "--workers", 1))
        assert done.exit_code == 0, done.output
        many = invoke(*words("run", stub.url, "--quiet", "--workers", 2, out="many"))
        assert many.exit_code == 0, many.output
        calls = len(stub.requests)
        source = str(tmp_path / "study.json")
        frame = pd.DataFrame({"record": [json.dumps(STUDY)], "path": [source]})
        rows = ExtractFrame(f"{stub.url}#stub")(frame)
        replayed = tmp_path / "out"
        replay = ("run", tmp_path / "study.json", "--replay", replayed, "--quiet")
        asked = len(stub.requests)
        again = invoke(*replay, "--out", tmp_path / "again")
        assert again.exit_code == 0, again.output

    assert (calls, asked, len(stub.requests)) == (2, 3, 3)
    line = (tmp_path / "out" / "extractions.jsonl").read_text("utf-8")
    assert list_criteria(read_run(tmp_path / "out")) == SETTLED
    for folder in ("many", "again"):
        assert (tmp_path / folder / "extractions.jsonl").read_text("utf-8") == line
    assert (
        json.loads(rows["extraction"][0])["eligibility"]
        == json.loads(line)["eligibility"]
    )
    settings = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))[
        "settings"
    ]
    assert [*settings["prompts"]] == ["questions.v10"]


def test_batches_ask_once(words, tmp_path):
    def answer(body):
        scripted = answering(*GOOD)(body)
        return scripted.status, json.loads(scripted.body)

    with serve_provider(answer=answer) as provider:
        assert invoke(*words("batch submit", provider.url)).exit_code == 0
        assert len(provider.requests) == 1
        done = invoke(*words("batch collect", provider.url, "--poll", 0))
        assert done.exit_code == 0, done.output
        assert len(provider.requests) == 1

    assert list_criteria(read_run(tmp_path / "out")) == SETTLED


def test_a_file_of_questions_is_answered_in_one_step(words, tmp_path):
    asked, answers = tmp_path / "asked.jsonl", tmp_path / "answers.jsonl"
    url = "http://127.0.0.1:9/v1"
    submitted = invoke(*words("batch submit", url, "--requests", asked, out=None))
    assert submitted.exit_code == 0, submitted.output
    (line,) = read_lines(asked)
    body = json.loads(answering(*GOOD)(line["body"]).body)
    response = {"status_code": 200, "body": body}
    answer = {"custom_id": line["custom_id"], "response": response}
    answers.write_text(json.dumps(answer), "utf-8")

    done = invoke(*words("batch collect", url, "--answers", answers))

    assert done.exit_code == 0, done.output
    assert list_criteria(read_run(tmp_path / "out")) == SETTLED
