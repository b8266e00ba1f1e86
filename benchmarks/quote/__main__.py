"""What a run was said to take, held against what it took.

    python -m benchmarks.quote [FOLDER ...]

Each FOLDER holds recorded answers (of ``extractor run --record``) or is that of a run; left out, they are those of this
repository. The first requests of all calls are measured as ``--dry-run`` measures them, and the forecast is compared
with what the servers told of all calls, those that were asked again and the narrow ones included. Recordings of the
model called ``capable`` tell estimates of four characters a token, others the tokens of their tokenizer. Exits with 1
if a figure lies outside of its forecast.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from extractor.assemble.policy import classify_model
from extractor.llm.estimates import Forecast, RequestSize, forecast_run, load_rates, measure_body
from extractor.llm.spec import ModelKind

from .recordings import Exchange, read_exchanges

__all__ = ["compare", "main"]

_FOLDERS = (Path("seeds/answers"), Path("tests/small_answers"), Path("tests/hostile/answers"))
_HEADINGS = ("recordings", "model", "figure", "low", "expected", "actual", "high", "")


def main() -> None:
    """Print a line for each figure of each model in each folder."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    chosen = arguments.parse_args()
    wrong = 0
    print("\t".join(_HEADINGS))
    for folder in chosen.folders or [folder for folder in _FOLDERS if folder.is_dir()]:
        by_model: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in read_exchanges(folder):
            by_model[exchange.model].append(exchange)
        for model, exchanges in by_model.items():
            for name, forecast, actual in compare(exchanges, model):
                inside = forecast.low <= actual <= forecast.high
                wrong += not inside
                figures = (forecast.low, forecast.expected, actual, forecast.high)
                cells = (str(folder), model, name, *(f"{figure:.0f}" for figure in figures))
                print("\t".join((*cells, "" if inside else "outside")))
    raise SystemExit(1 if wrong else 0)


def compare(exchanges: Iterable[Exchange], model: str) -> Iterator[tuple[str, Forecast, int]]:
    """Each figure with its forecast and what it came to."""
    exchanges = list(exchanges)
    first = [exchange for exchange in exchanges if not exchange.asked_again and not exchange.narrow]
    sizes = (measure_body({"max_tokens": 10**6, **exchange.request}) for exchange in first)
    forecast = forecast_run(sum(sizes, RequestSize()), load_rates(ModelKind.SERVER, classify_model(model)))
    yield "calls", forecast.calls, len(exchanges)
    yield "prompt tokens", forecast.prompt_tokens, sum(exchange.prompt_tokens for exchange in exchanges)
    yield "output tokens", forecast.output_tokens, sum(exchange.output_tokens for exchange in exchanges)


if __name__ == "__main__":
    main()
