"""A weak model must not spoil what the rules know: answers of smollm2-135m to all questions about the seeds, replayed.

A grammar kept its answers to the lines of each call. One call was too long for it, so its halves were asked.
"""

import asyncio
from dataclasses import fields, replace
from pathlib import Path

import pytest

from extractor import read_records
from extractor.ask.dialogue import dialogue
from extractor.ask.querying import converse
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import ModelClass, load_policy
from extractor.evaluation import evaluate
from extractor.ground.check import Answer, ground_answer
from extractor.llm.opening import ModelChoice, open_model
from extractor.options import Assist, ExtractionOptions
from extractor.parse import parse_record
from extractor.parse.drafts import Reading
from extractor.schemas import Concept, EndpointCategory, Task, TimeKind

ROOT = Path(__file__).parents[1]
ANSWERS = ROOT / "tests" / "small_answers"


@pytest.fixture(scope="module")
def asked():
    """Each seed as it was parsed, and what the small model said of it."""

    async def ask_all():
        async with open_model(ModelChoice(replay=ANSWERS)) as model:
            options = ExtractionOptions(assist=Assist.ALWAYS)
            return [(parsed, await converse(dialogue(parsed, options), model)) for parsed in records]

    records = [parse_record(record) for record in read_records(str(ROOT / "seeds" / "records"))]
    return asyncio.run(ask_all())


@pytest.fixture(scope="module")
def monotonous(asked):
    """What a weaker model does: every outcome is overall survival, efficacy, at named moments."""
    said = {"concept": Concept.OVERALL_SURVIVAL, "category": EndpointCategory.EFFICACY, "time_kind": TimeKind.AT}
    found = []
    for parsed, _ in asked:
        numbers = [outcome.chunk.number for outcome in parsed.outcomes]
        answers = {n: (ground_answer(Answer(Task.ENDPOINTS, n, dict(said)), parsed),) for n in numbers}
        found.append((parsed, ModelResult({n: frozenset(said) for n in numbers}, answers)))
    return found


def in_doubt(parsed, confidence):
    """The record as if the rules were no surer than this of anything about its criteria and outcomes."""

    def weaken(item):
        known = {field.name: getattr(item, field.name) for field in fields(item)}
        readings = {name: reading for name, reading in known.items() if isinstance(reading, Reading)}
        return replace(item, **{n: replace(r, confidence=min(r.confidence, confidence)) for n, r in readings.items()})

    criteria = tuple(map(weaken, parsed.eligibility.criteria))
    eligibility = replace(parsed.eligibility, criteria=criteria)
    return replace(parsed, eligibility=eligibility, outcomes=tuple(map(weaken, parsed.outcomes)))


def find_losses(asked, confidence, policy=None):
    """The fields that are worse than with the rules alone."""
    weak = [(in_doubt(parsed, confidence), result) for parsed, result in asked]
    rules = [assemble_extraction(parsed, ModelResult()) for parsed, _ in weak]
    both = [assemble_extraction(parsed, replace(found, policy=policy or found.policy)) for parsed, found in weak]
    report = evaluate(ROOT / "seeds" / "gold", both, compare=rules, resamples=0)
    return [found.name for found in report.comparison.differences if found.difference and found.difference < 0]


def test_the_small_model_was_asked_everything_and_answered(asked):
    assert sum(result.usage.questions for _, result in asked) > 30
    assert sum(result.usage.output_tokens for _, result in asked) > 1000


@pytest.mark.parametrize("confidence", [1.0, 0.9, 0.7])
def test_no_field_is_worse_than_with_the_rules_alone_however_sure_they_are(asked, monotonous, confidence):
    assert find_losses(asked, confidence) == []
    assert find_losses(monotonous, confidence, load_policy(ModelClass.SMALL)) == []


def test_believed_as_a_capable_model_s_its_answers_would_spoil_fields(asked, monotonous):
    capable = load_policy(ModelClass.CAPABLE)
    assert "eligibility.criteria.category" in find_losses(asked, 1.0, capable)
    assert "endpoints.concept" in find_losses(monotonous, 0.7, capable)
