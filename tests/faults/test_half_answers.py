"""A model that answers some lines of a call: the others keep the rules' values, marked as not
confirmed.
"""

import json
import re

import pytest

from extractor import Extractor
from extractor.formats import read_records
from extractor.schemas import FindingKind, Origin, Severity
from tests.commands import invoke
from tests.llm.stub import completion, serve

STUDY = "tests/records/study.json"
_LINE = re.compile(r"^\[(\d+)\|([^|\]]*)", re.MULTILINE)


def asked_lines(request):
    return [
        (int(number), keys.split())
        for number, keys in _LINE.findall(request["messages"][1]["content"])
        if keys
    ]


def answer(choose):
    """A server's answer with an item for each line that ``choose`` picks of those asked."""

    def reply(request):
        items = [
            {"n": number, "ok": True, "cat": "other"}
            for number, _ in choose(asked_lines(request))
        ]
        return completion(json.dumps({"items": items}))

    return reply


SKIPPING = {
    "only the first line": lambda lines: lines[:1],
    "no line": lambda _: [],
    "the first half": lambda lines: lines[: len(lines) // 2],
    "every other line": lambda lines: lines[::2],
    "only the last line": lambda lines: lines[-1:],
}


@pytest.mark.parametrize(
    "tasks",
    [{"eligibility", "dosing", "endpoints"}, {"dosing"}],
    ids=["all", "dosing alone"],
)
@pytest.mark.parametrize("choose", SKIPPING.values(), ids=SKIPPING)
def test_regimens_of_the_rules_stand_where_a_model_skipped_their_lines(choose, tasks):
    alone = Extractor(effort="none", tasks=tasks).extract(next(read_records(STUDY)))
    known = {(one.agent, one.quote) for one in alone.dosing}
    assert known
    with serve(answer(choose)) as stub:
        found = Extractor(stub.spec, effort="all", tasks=tasks).extract(
            next(read_records(STUDY))
        )
    by_rules = [one for one in found.dosing if one.origin is Origin.RULE]
    assert {(rule.agent, rule.quote) for rule in by_rules} == known
    assert all(rule.confidence <= 0.8 for rule in by_rules)
    told = [
        finding
        for finding in found.findings
        if finding.kind is FindingKind.REGIMEN_UNCONFIRMED
    ]
    assert len(told) >= len(known)
    assert {one.severity for one in told} == {Severity.WARNING}


def test_criteria_and_endpoints_that_were_skipped_are_told_line_by_line():
    with serve(answer(lambda lines: lines[:1])) as stub:
        found = Extractor(stub.spec, effort="all").extract(next(read_records(STUDY)))
    skipped = [
        finding
        for finding in found.findings
        if finding.kind is FindingKind.LINE_UNANSWERED
    ]
    assert {one.field.partition(":")[0] for one in skipped} == {
        "eligibility",
        "dosing",
        "endpoints",
    }
    places = {
        (cited.section, cited.start) for one in skipped for cited in one.citations
    }
    for endpoint in found.endpoints:
        (measure,) = endpoint.evidence_for("measure")
        assert (measure.section, measure.start) in places
        assert (
            max(
                piece.confidence
                for piece in endpoint.evidence
                if piece.field == "concept"
            )
            <= 0.8
        )


def test_the_summary_counts_what_the_rules_had_and_the_model_did_not(tmp_path):
    with serve(answer(lambda lines: lines[:1])) as stub:
        ended = invoke(
            "run",
            STUDY,
            "--model",
            str(stub.spec),
            "--effort",
            "all",
            "--out",
            tmp_path / "run",
            EXTRACTOR_MAX_LACKING="0.05",
        )
    kinds = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))[
        "finding_kinds"
    ]
    left_out = kinds["regimen_unconfirmed"] + kinds.get("value_unconfirmed", 0)
    assert f"read by the rules, left out by the model: {left_out}\n" in ended.stderr
    assert (
        f"lines that the model skipped, as the rules read them: {kinds['line_unanswered']}\n"
        in ended.stderr
    )
    assert ended.exit_code == 1


def test_a_whole_answer_without_a_regimen_is_believed():
    """Each line that needs an item has one, so that silence on the others says that no regimen
    is there.
    """

    def choose(lines):
        return [line for line in lines if "regimens" not in line[1]]

    with serve(answer(choose)) as stub:
        tasks = {"eligibility", "endpoints"}
        found = Extractor(stub.spec, effort="all", tasks=tasks).extract(
            next(read_records(STUDY))
        )
    assert not [
        finding
        for finding in found.findings
        if finding.kind is FindingKind.LINE_UNANSWERED
    ]
