"""How right a plain instructor call a task is, with the whole annotation guideline in the prompt,
and what it costs.

    python -m benchmarks.peers GUIDELINE GOLD RECORDS... [--model http://HOST:PORT/v1#NAME] [--folds
                               3,4] [--limit N] [--price SPEC] [--json FILE]

This is what a good programmer writes in an hour: three calls a record (eligibility, dosing,
endpoints), each with the guideline, the record's sections and a pydantic model. Prints macro-F1,
tokens and dollars per 1,000 records by group of areas, with a cache of the guideline and without.
``benchmarks.effort --from`` draws the figures of ``--json``.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import instructor
import openai
from pydantic import BaseModel

from benchmarks.data import PEER, parse_options, read_folds
from benchmarks.effort import (
    PRICE,
    find_pricing,
    format_results,
    read_groups,
    summarise,
    write_figures,
)
from extractor.model.calls import CHARACTERS_PER_TOKEN
from extractor.model.spec import ModelSpec
from extractor.schemas import Task, TrialExtraction, TrialRecord, Usage
from extractor.schemas.extraction import (
    EligibilityAnnotation,
    EndpointAnnotation,
    RegimenAnnotation,
)


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
    client: instructor.AsyncInstructor,
    name: str | None,
    guideline: str,
    record: TrialRecord,
) -> TrialExtraction:
    """Make three plain calls at once, each tried twice, and keep the tokens as usage."""
    text = "\n\n".join(
        f"## {section.name}\n{section.text}" for section in record.sections
    )

    async def ask(task: Task) -> tuple[Any, Usage]:
        messages: list[Any] = [
            {"role": "system", "content": guideline},
            {
                "role": "user",
                "content": f"Annotate the {task} of this record by the guideline.\n\n{text}",
            },
        ]
        answer, completion = await client.chat.completions.create_with_completion(
            model=name or "",
            messages=messages,
            response_model=_MODELS[task],
            max_retries=2,
        )
        used = completion.usage
        return answer, Usage(
            calls=1,
            prompt_tokens=used.prompt_tokens,
            output_tokens=used.completion_tokens,
        )

    found = await asyncio.gather(*map(ask, _MODELS))
    answers = {task: answer for task, (answer, _) in zip(_MODELS, found, strict=True)}
    usage = sum((each for _, each in found), Usage())
    return TrialExtraction.model_validate(
        {
            "record_id": record.record_id,
            "eligibility": answers[Task.ELIGIBILITY].model_dump(),
            "dosing": [one.model_dump() for one in answers[Task.DOSING].regimens],
            "endpoints": [one.model_dump() for one in answers[Task.ENDPOINTS].outcomes],
            "usage": usage.model_dump(),
        }
    )


async def extract_all(
    spec: ModelSpec, guideline: str, records: Sequence[TrialRecord]
) -> list[TrialExtraction]:
    """Extract the records, all at once."""
    api = openai.AsyncOpenAI(
        base_url=spec.base_url, api_key="none", timeout=3600, max_retries=0
    )
    client = instructor.from_openai(api, mode=instructor.Mode.JSON_SCHEMA)
    return list(
        await asyncio.gather(
            *(extract(client, spec.name, guideline, record) for record in records)
        )
    )


def main() -> None:
    """Run the command line."""
    options: dict[str, Any] = {
        "model": "http://127.0.0.1:8000/v1#capable",
        "folds": "",
        "limit": int,
    }
    chosen = parse_options(
        __doc__, "guideline", "gold", "records+", price=PRICE, json=Path, **options
    )
    pricing = find_pricing(chosen.price)
    guideline = chosen.guideline.read_text("utf-8")
    groups = read_groups(
        chosen.gold, chosen.records, read_folds(chosen.folds), chosen.limit
    )
    records = [record for pairs in groups.values() for record, _ in pairs]
    found = iter(
        asyncio.run(extract_all(ModelSpec.parse(chosen.model), guideline, records))
    )
    static = len(guideline) // CHARACTERS_PER_TOKEN
    results = [
        {
            "effort": PEER,
            "group": name,
            **summarise(pairs, [next(found) for _ in pairs], static),
        }
        for name, pairs in groups.items()
    ]
    print(format_results(results, pricing))
    if chosen.json:
        write_figures(results, chosen.json)


if __name__ == "__main__":
    main()
