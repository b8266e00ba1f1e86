"""How right a plain instructor call a task is, with the whole annotation guideline in the prompt, and what it costs.

    python -m benchmarks.peers GUIDELINE GOLD RECORDS... --model http://HOST:PORT/v1#NAME [--folds 3,4] [--limit N]
                               [--price NAME]

This is what a good programmer writes in an hour: three calls a record (eligibility, dosing, endpoints), each with the
guideline, the record's sections and a pydantic model. Prints macro-F1, tokens and dollars per 1,000 records by group of
areas, with the guideline billed as cached and without. Its figures are points of ``benchmarks.effort --peer``.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import instructor
import openai
from pydantic import BaseModel

from benchmarks.data import FOLDS, format_table, option_parser
from benchmarks.effort import Group, read_groups
from extractor.evaluation import evaluate
from extractor.llm.spec import ModelSpec
from extractor.run.prices import PICO, PriceList
from extractor.schemas import Task, TrialExtraction, TrialRecord, Usage
from extractor.schemas.extraction import EligibilityAnnotation, EndpointAnnotation, RegimenAnnotation


class Dosing(BaseModel):
    """The regimens of a record."""

    regimens: list[RegimenAnnotation]


class Endpoints(BaseModel):
    """The outcomes of a record."""

    outcomes: list[EndpointAnnotation]


_MODELS: dict[Task, type[BaseModel]] = {
    Task.ELIGIBILITY: EligibilityAnnotation,
    Task.DOSING: Dosing,
    Task.ENDPOINTS: Endpoints,
}


async def extract(
    client: instructor.AsyncInstructor, name: str | None, guideline: str, record: TrialRecord
) -> TrialExtraction:
    """Three plain calls, each tried twice. Keeps the tokens as usage."""
    text = "\n\n".join(f"## {section.name}\n{section.text}" for section in record.sections)
    answers: dict[Task, Any] = {}
    usage = Usage()
    for task, model in _MODELS.items():
        messages: list[Any] = [
            {"role": "system", "content": guideline},
            {"role": "user", "content": f"Annotate the {task} of this record by the guideline.\n\n{text}"},
        ]
        answer, completion = await client.chat.completions.create_with_completion(
            model=name or "", messages=messages, response_model=model, max_retries=2
        )
        answers[task] = answer
        told = completion.usage
        usage += Usage(calls=1, prompt_tokens=told.prompt_tokens, output_tokens=told.completion_tokens)
    return TrialExtraction.model_validate(
        {
            "record_id": record.record_id,
            "eligibility": answers[Task.ELIGIBILITY].model_dump(),
            "dosing": [one.model_dump() for one in answers[Task.DOSING].regimens],
            "endpoints": [one.model_dump() for one in answers[Task.ENDPOINTS].outcomes],
            "usage": usage.model_dump(),
        }
    )


async def extract_all(spec: ModelSpec, guideline: str, records: Sequence[TrialRecord]) -> list[TrialExtraction]:
    """Extract the records, all at once."""
    api = openai.AsyncOpenAI(base_url=spec.base_url, api_key="none", timeout=3600, max_retries=0)
    client = instructor.from_openai(api, mode=instructor.Mode.JSON_SCHEMA)
    return list(await asyncio.gather(*(extract(client, spec.name, guideline, record) for record in records)))


def main() -> None:
    """The command line."""
    parser = option_parser(__doc__)
    parser.add_argument("guideline", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--model", required=True)
    parser.add_argument("--folds", type=lambda text: set(map(int, text.split(","))), default=set(range(FOLDS)))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--price", default="gpt-5-mini")
    chosen = parser.parse_args()
    listed = PriceList().find(ModelSpec.parse(chosen.price))
    if listed is None:
        raise SystemExit(f"{chosen.price}: genai-prices knows no such model")
    guideline = chosen.guideline.read_text("utf-8")
    rows = []
    for name, pairs in read_groups(chosen.gold, chosen.records, chosen.folds, chosen.limit).items():
        rows.append([name, len(pairs), *_measure(ModelSpec.parse(chosen.model), guideline, pairs, listed.price)])
    print(format_table(["group", "trials", *Task, "all", "prompt", "output", "$/1000", "$ uncached"], rows))


def _measure(spec: ModelSpec, guideline: str, pairs: Group, price: Any) -> list[object]:
    found = asyncio.run(extract_all(spec, guideline, [record for record, _ in pairs]))
    figures = evaluate([gold for _, gold in pairs], found, resamples=0, examples=0).figures()
    usage = sum((one.usage or Usage() for one in found), Usage())
    cached = usage.model_copy(update={"cached_tokens": len(guideline) // 4 * usage.calls})
    dollars = [f"{price.cost(each) / PICO / len(pairs) * 1000:.2f}" for each in (cached, usage)]
    tokens = [f"{each / len(pairs):.0f}" for each in (usage.prompt_tokens, usage.output_tokens)]
    return [*(figures[total] for total in (*Task, "all")), *tokens, *dollars]


if __name__ == "__main__":
    main()
