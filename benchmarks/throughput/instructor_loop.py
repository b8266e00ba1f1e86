"""A plain loop over instructor, as its documentation shows it: a semaphore, one call a record, all in one gather."""

import asyncio
import itertools
import json
import sys
from pathlib import Path

import instructor
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionUserMessageParam
from pydantic import BaseModel


class Item(BaseModel):
    """One outcome."""

    n: int
    concept: str
    domain: str


class Items(BaseModel):
    """The outcomes of one record."""

    items: list[Item]


async def ask_all(records: Path, count: int, concurrency: int, server: str) -> int:
    """How many answers came."""
    plain = AsyncOpenAI(api_key="none", base_url=server, max_retries=0)
    client = instructor.from_openai(plain, mode=instructor.Mode.JSON_SCHEMA)
    slots = asyncio.Semaphore(concurrency)

    async def ask(line: str) -> Items:
        outcome = json.loads(line)["protocolSection"]["outcomesModule"]["primaryOutcomes"][0]
        said = f"Classify the outcome.\n[1|concept domain] {outcome['measure']} // {outcome['timeFrame']}"
        async with slots:
            message = ChatCompletionUserMessageParam(role="user", content=said)
            return await client.chat.completions.create(model="stub", response_model=Items, messages=[message])

    with records.open(encoding="utf-8") as lines:
        found = await asyncio.gather(*map(ask, itertools.islice(lines, count)))
    return len(found)


if __name__ == "__main__":
    print(asyncio.run(ask_all(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
