"""The recorded scenarios, replayed: no network, no waiting, the same result each time."""

import json
from dataclasses import replace

import httpx2
import pytest
import yaml

from extractor.errors import ExtractorError
from extractor.schemas import FindingKind, Origin
from tests import recording
from tests.cassette import read_cassette
from tests.recording import (
    FOLDER,
    find_unexplained,
    list_exchanges,
    main,
    read_scenarios,
    replay_scenario,
)
from tests.snapshots import check_snapshot, summarize

SCENARIOS = read_scenarios()

ANSWERS = (
    FindingKind.QUOTE_NOT_FOUND,
    FindingKind.VALUE_NOT_IN_QUOTE,
    FindingKind.QUOTE_CONFLICT,
    FindingKind.ANSWER_MISSING,
)
"""Findings about a model's answers; the others are about the record."""


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_replay_gives_the_same_result_each_time_by_the_recorded_bytes(
    name, monkeypatch
):
    """Servers keep the beginning of a prompt in memory, by its bytes. Few answers of a capable
    model are kept out.
    """
    scenario = SCENARIOS[name]
    sent = []
    send = httpx2.AsyncClient.send

    async def note(self, request, **options):
        sent.append(request.content.decode())
        return await send(self, request, **options)

    monkeypatch.setattr(httpx2.AsyncClient, "send", note)
    extractions = await replay_scenario(scenario, FOLDER)

    check_snapshot(f"cassettes/{name}", summarize(*extractions))
    recorded = list_exchanges(name)
    answered = [code for _, code in recorded if code == 200]
    assert sum(extraction.usage.calls for extraction in extractions) == len(answered)
    assert sent == [
        json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        for body, *_ in recorded
    ]
    if scenario.answered_by == "capable":
        check_answers(extractions)


def check_answers(extractions):
    """Answers of a capable model are values, and few of them are kept out."""
    asked = [extraction for extraction in extractions if extraction.usage.questions]
    assert asked
    for extraction in asked:
        criteria = extraction.eligibility.criteria
        origins = set()
        for item in (*criteria, *extraction.dosing, *extraction.endpoints):
            origins |= {piece.origin for piece in item.evidence}
        assert origins & {Origin.MODEL, Origin.BOTH}
        kept_out = [
            finding for finding in extraction.findings if finding.kind in ANSWERS
        ]
        usage = extraction.usage
        assert len(kept_out) <= usage.open_questions < usage.questions / 2


def test_no_cassette_is_stale_edited_or_holds_a_key(capsys):
    assert main(["check"]) == 0
    assert capsys.readouterr().out == ""


def test_each_recording_says_who_answered_and_what_it_proves(tmp_path, monkeypatch):
    assert find_unexplained() == []
    text = (FOLDER / "scenarios.toml").read_text("utf-8")
    without = text.replace('folder = "seeds/answers"', 'folder = "seeds/replies"')
    (tmp_path / "scenarios.toml").write_text(
        without.replace("[answerer.capable]", "[answerer.other]")
    )
    monkeypatch.setattr(recording, "FOLDER", tmp_path)

    problems = "\n".join(find_unexplained())
    assert "csv: answered by capable, of whom scenarios.toml says nothing" in problems
    assert "seeds/answers: scenarios.toml does not say who answered" in problems
    assert "seeds/replies: is missing" in problems


@pytest.mark.parametrize(
    ("words", "added"),
    [("lightly treated", []), ("heavily treated", ["seed-002"])],
    ids=["another request", "an exchange too many"],
)
async def test_a_recording_that_does_not_fit_fails(tmp_path, words, added):
    path = FOLDER / "seed-003.yaml"
    cassette = yaml.safe_load(path.read_text("utf-8").replace("heavily treated", words))
    for name in added:
        other = read_cassette(FOLDER / f"{name}.yaml")
        cassette["interactions"] += other["interactions"]
    (tmp_path / "seed-003.yaml").write_text(yaml.safe_dump(cassette), "utf-8")
    scenario = SCENARIOS["seed-003"]
    moved = replace(scenario, input=str(FOLDER / scenario.input))
    with pytest.raises(ExtractorError):
        await replay_scenario(moved, tmp_path)
