"""Replies written to break what reads, stores or shows them: none costs a record."""

import json

import pytest

from tests.commands import invoke, read_lines
from tests.llm.stub import Scripted, completion, items, serve

RECORD = "tests/records/study.json"
NAME = '"model": "stub-model"'
REPLIES = {
    "half a pair in the model's name": (NAME, r'"model": "stub\ud800"'),
    "half a pair in a refusal": (
        '"role"',
        r'"refusal": "no\ud800", "role"',
    ),
    "a NUL in the model's name": (NAME, r'"model": "a\u0000b"'),
    "a very long id": ('"id": "', f'"id": "{"x" * 1_000_000}'),
    "a nested reason": ('"finish_reason": "stop"', '"finish_reason": {"a": ["stop"]}'),
    "nested thoughts": (
        '"role"',
        f'"reasoning_content": {"[" * 900}{"]" * 900}, "role"',
    ),
    "infinite usage": ('"prompt_tokens": 10', '"prompt_tokens": 1e999'),
    "a line number of 5,000 digits": (r"\"n\": 1}", rf"\"n\": \"{'7' * 5000}\"}}"),
}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(("old", "new"), REPLIES.values(), ids=REPLIES)
def test_a_hostile_reply_costs_no_record(tmp_path, old, new):
    body = completion(items({"n": 1}, {"n": 2})).body
    assert old in body
    with serve([Scripted(body=body.replace(old, new))]) as stub:
        done = invoke(
            "run", RECORD, "--out", tmp_path / "out", "--model", f"{stub.url}#stub"
        )
    assert done.exit_code == 0, done.output
    assert "unexpected" not in done.output
    (result,) = read_lines(tmp_path / "out" / "extractions.jsonl")
    assert result["eligibility"]["criteria"]
    assert json.dumps(result, allow_nan=False)
