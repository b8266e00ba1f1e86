"""If a model answers only some lines of a call, the other lines keep the rules' values, marked as
unconfirmed. A model's values that the rules cannot confirm are told apart.
"""

import json

from extractor import Extractor
from extractor.formats import read_records
from extractor.schemas import FindingKind, Origin, Severity
from tests.asked import describe_heading, list_asked
from tests.commands import invoke
from tests.llm.stub import completion, serve

STUDY = "tests/records/study.json"
HEADING = {"n": 1, "ok": False, "list": "in"}


def read_study():
    return next(read_records(STUDY))


def asked_lines(request):
    return [*list_asked(request["messages"][1]["content"])]


def answer(choose):
    """A server's answer with an item for each line that ``choose`` picks of those asked."""

    def reply(request):
        items = []
        for line in choose(asked_lines(request)):
            well = {"cat": "other"}
            if line.is_heading:
                well = describe_heading(line.text)
            items.append({"n": line.number} | well)
        return completion(json.dumps({"items": items}))

    return reply


def of_kind(extraction, kind):
    return [finding for finding in extraction.findings if finding.kind is kind]


def test_regimens_of_the_rules_are_kept_where_a_model_skipped_their_lines():
    known = Extractor(effort="none").extract(read_study()).dosing
    with serve(answer(lambda lines: lines[::2])) as stub:
        extraction = Extractor(stub.spec, effort="full").extract(read_study())

    regimens = {(one.agent, one.quote) for one in known}
    by_rules = [one for one in extraction.dosing if one.origin is Origin.RULE]
    assert {(one.agent, one.quote) for one in by_rules} == regimens != set()
    assert all(one.confidence <= 0.8 for one in by_rules)
    unconfirmed = of_kind(extraction, FindingKind.REGIMEN_UNCONFIRMED)
    assert len(unconfirmed) >= len(regimens)
    assert {finding.severity for finding in unconfirmed} == {Severity.WARNING}


def test_the_summary_counts_what_the_rules_had_and_the_model_did_not(tmp_path):
    command = ("run", STUDY, "--effort", "full", "--out", tmp_path / "run")
    with serve(answer(lambda lines: lines[:1])) as stub:
        model = ("--model", str(stub.spec))
        ended = invoke(*command, *model, EXTRACTOR_MAX_LACKING="0.05")

    assert ended.exit_code == 75
    kinds = json.loads((tmp_path / "run" / "run.json").read_bytes())["finding_kinds"]
    left_out = kinds["regimen_unconfirmed"] + kinds.get("value_unconfirmed", 0)
    assert f"read by the rules but left out by the model: {left_out}\n" in ended.stderr
    told = "lines skipped by the model, with the rules' values: "
    assert f"{told}{kinds['line_unanswered']}\n" in ended.stderr


def test_a_whole_answer_without_a_regimen_is_believed():
    """Each line that needs an item has one: silence on the others means that no regimen is there."""
    with serve(
        answer(lambda lines: [line for line in lines if "regimens" not in line.asked])
    ) as stub:
        extractor = Extractor(
            stub.spec, effort="full", tasks={"eligibility", "endpoints"}
        )
        assert (
            of_kind(extractor.extract(read_study()), FindingKind.LINE_UNANSWERED) == []
        )


def test_values_that_the_rules_cannot_confirm_are_kept_listed_and_left_out(tmp_path):
    text = "Inclusion criteria:\n- Haemoglobin of 9 g/dL, measured twice\n"
    (tmp_path / "trial.txt").write_text(text, "utf-8")
    wrong = {"n": 2, "cat": "organ", "limits": ["Haemoglobin: <= 9 g/dL"]}
    with serve(lambda _: completion(json.dumps({"items": [HEADING, wrong]}))) as stub:
        words = ("run", tmp_path / "trial.txt", "--model", str(stub.spec))
        invoke(*words, "--effort", "full", "--out", tmp_path / "run")
        invoke(
            *words,
            "--effort",
            "full",
            "--out",
            tmp_path / "careful",
            "--min-confidence",
            0.6,
        )
    shown = invoke("list", tmp_path / "run", "findings", "--kind", "answer_unconfirmed")
    assert (
        "answered Haemoglobin: <= 9 g/dL: another comparator; the rules" in shown.stdout
    )
    kept, left = (
        json.loads((tmp_path / name / "extractions.jsonl").read_bytes())
        for name in ("run", "careful")
    )
    assert kept["eligibility"]["criteria"][0]["constraints"][0]["comparator"] == "<="
    assert left["eligibility"]["criteria"][0]["constraints"] == []
