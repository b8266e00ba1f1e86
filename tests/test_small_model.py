"""A weak model must not spoil what the rules are sure of."""

import asyncio
from pathlib import Path

from extractor import Extractor, read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.concepts.parse import parse_record
from extractor.model.asking.querying import ask_record
from extractor.model.asking.request import plan_request
from extractor.model.opening import ModelChoice, open_model
from extractor.options import ExtractionOptions
from extractor.pipeline import read_answers
from tests.llm.stub import serve
from tests.trust import answering

ROOT = Path(__file__).parents[1]
ANSWERS = ROOT / "tests" / "small_answers"
MONOTONOUS = answering(
    {
        "": {
            "concept": "OS",
            "domain": "efficacy",
            "span": "at",
            "cat": "other",
            "list": "ex",
        }
    }
)
"""What a weak model does: every outcome is overall survival, efficacy, at named moments; every
criterion excludes.
"""


def test_answers_of_a_small_model_are_used_as_far_as_the_text_bears_them_out():
    """Answers of smollm2-135m about the seeds. A narrowed schema kept them to the lines of each
    call.
    """
    records = read_records(str(ROOT / "seeds" / "records"))
    parsed_records = [parse_record(record) for record in records]

    results = asyncio.run(ask_all(parsed_records))

    assert sum(result.usage.questions for _, result in results) > 30
    assert sum(result.usage.output_tokens for _, result in results) > 1000
    for parsed, result in results:
        for _, item in assemble_extraction(parsed, result).list_items():
            for piece in item.evidence:
                text = parsed.sections[piece.section].raw
                assert text[piece.start : piece.end] == piece.quote


async def ask_all(parsed_records):
    """What the model, as recorded, says of each record."""
    async with open_model(ModelChoice(replay=ANSWERS)) as model:
        results = []
        for parsed in parsed_records:
            request = plan_request(parsed, ExtractionOptions())
            replies = await ask_record(request, model)
            results.append(read_answers(parsed, ExtractionOptions(), request, replies))
        return results


def test_no_answer_is_sure_that_contradicts_a_value_of_which_the_rules_are_sure():
    with serve(MONOTONOUS) as stub:
        extractor = Extractor(stub.spec)
        for record in read_records(str(ROOT / "seeds" / "records")):
            found = dict(extractor.extract(record).list_items())
            for path, item in assemble_extraction(
                parse_record(record), ModelResult()
            ).list_items():
                for piece in item.evidence:
                    name = piece.field.partition("[")[0]
                    if piece.confidence < 0.975:
                        continue
                    if found[path].value_of(name) != item.value_of(name):
                        answered = found[path].evidence_for(name)
                        sure = [one for one in answered if one.confidence >= 0.85]
                        assert not sure, (path, name)
    assert stub.requests
