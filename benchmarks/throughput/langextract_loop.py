"""langextract over the same records, all documents in one call, as many workers as requests may be under way."""

import itertools
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def ask_all(records: Path, count: int, concurrency: int, server: str) -> int:
    """How many documents were annotated."""
    lx: Any = import_module("langextract")
    example = lx.data.ExampleData(
        text="Nights at home // 4 weeks", extractions=[lx.data.Extraction("outcome", "Nights at home")]
    )
    provider = import_module("langextract.providers.openai").OpenAILanguageModel
    model = provider("stub", api_key="none", base_url=server, max_workers=concurrency)
    with records.open(encoding="utf-8") as lines:
        documents = [lx.data.Document(_read_outcome(line)) for line in itertools.islice(lines, count)]
    found = lx.extract(
        documents,
        prompt_description="Extract the outcome.",
        examples=[example],
        model=model,
        batch_length=concurrency,
        max_workers=concurrency,
        show_progress=False,
        use_schema_constraints=False,
    )
    return len(list(found))


def _read_outcome(line: str) -> str:
    outcome = json.loads(line)["protocolSection"]["outcomesModule"]["primaryOutcomes"][0]
    return f"{outcome['measure']} // {outcome['timeFrame']}"


if __name__ == "__main__":
    print(ask_all(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
