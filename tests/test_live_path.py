"""The whole way of a command with a real, small model, recorded once: its words, the requests, the
answer, what the text supports of it, the cost, and the folder of the run.

The model cannot do the task. What is checked is that the command says so, and that no value of which
the rules are sure is lost.
"""

import json
from contextlib import closing

import pytest

from extractor import Extractor, TrialExtraction, read_records
from extractor.model.database import open_run_to_read
from extractor.schemas import FindingKind
from extractor.schemas.vocabulary import DOUBTFUL_BELOW
from tests.commands import invoke, read_lines
from tests.recording import FOLDER, list_exchanges, read_live_paths, replay_live_path

PATH = read_live_paths()["live"]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """What the command printed, and the folder of its run."""
    folder = tmp_path_factory.mktemp("live") / "run"
    return replay_live_path(PATH, folder), folder


def read_extraction(folder):
    [line] = read_lines(folder / "extractions.jsonl")
    return TrialExtraction.model_validate(line)


def test_the_server_refuses_a_schema_and_is_asked_with_a_tool():
    (by_schema, refused), (by_tool, answered) = list_exchanges(PATH.name)
    assert (refused, answered) == (500, 200)
    assert by_schema["response_format"]["type"] == "json_schema"
    assert by_tool["tool_choice"]["function"]["name"] == "Reply"
    for body in (by_schema, by_tool):
        assert body["model"] == PATH.answered_by
        assert "HbA1c of at most 8.5 %" in body["messages"][-1]["content"]


def test_the_command_says_that_answers_are_lacking_and_what_they_cost(replayed):
    done, folder = replayed
    assert done.exit_code == 75
    assert "no usable answer to 6 of 7 questions" in done.output
    assert "model: 1 call, 7,077 prompt tokens, 55 output tokens" in done.output
    manifest = json.loads((folder / "run.json").read_text("utf-8"))
    assert manifest["cost"]["usd"] == pytest.approx((7077 * 1 + 55 * 2) / 1e6)
    assert manifest["usage"]["unanswered"] == 6


def test_what_the_text_does_not_support_is_rejected_with_the_reason(replayed):
    _, folder = replayed
    told = {
        kind: [
            each.message
            for each in read_extraction(folder).findings
            if each.kind == kind
        ]
        for kind in FindingKind
    }
    assert len(told[FindingKind.LINE_UNANSWERED]) == 5
    [limit] = told[FindingKind.ANSWER_MISSING]
    assert limit.endswith(
        "Age 18 to 75 years: not in a readable format; it was rejected"
    )
    [structure] = told[FindingKind.STRUCTURE_DOUBTFUL]
    assert structure.endswith("it joins 3 items that have list marks of their own")


def test_no_value_of_which_the_rules_are_sure_is_lost(replayed):
    _, folder = replayed
    found = dict(read_extraction(folder).list_items())
    [record] = read_records(str(FOLDER / PATH.input))
    rules = Extractor().extract(record)
    sure = 0
    for path, item in rules.list_items():
        for piece in item.evidence:
            name = piece.field.partition("[")[0]
            if piece.confidence is None or piece.confidence < DOUBTFUL_BELOW:
                continue
            assert found[path].value_of(name) == item.value_of(name), (path, name)
            sure += 1
    assert sure > 20


def test_the_answer_is_stored_and_replayed(replayed, tmp_path):
    _, folder = replayed
    with closing(open_run_to_read(folder)) as run:
        query = "SELECT state, prompt_tokens, output_tokens, exchanges FROM calls"
        [call] = run.execute(query).fetchall()
    assert tuple(call) == ("answered", 7077, 55, 1)

    again = invoke(
        "run",
        *(FOLDER / PATH.input, "--replay", folder, "--out", tmp_path / "again"),
        *("--workers", 1, "--max-lacking", 0.05),
    )
    assert again.exit_code == 1, again.output
    first, second = read_extraction(folder), read_extraction(tmp_path / "again")
    assert second.findings == first.findings
    assert second.eligibility == first.eligibility
