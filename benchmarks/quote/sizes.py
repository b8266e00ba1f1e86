"""Measure anew how large answers are, from recordings, and print ``extractor/llm/answer_sizes.toml``.

    python -m benchmarks.quote.sizes --capable FOLDER ... --small FOLDER ... > sizes.toml

Each FOLDER was filled by ``extractor run --record`` or is a run's. The sizes of keys are those of the capable model,
whose answers are compact; what the tokenizers of all classes make of that size is measured of each.
"""

import argparse
import json
import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from extractor.assemble.policy import ModelClass
from extractor.llm.estimates import LINE

from .recordings import Exchange, read_exchanges

__all__ = ["AnswerSize", "describe_class", "measure_keys"]


class AnswerSize(NamedTuple):
    """Characters of compact JSON that answer one key of one line on average, and how many were measured."""

    mean: float
    asked: int = 0


_LEAST = 5
_FEW, _RESAMPLES = 5, 2000
_HEAD = """\
# Measured by `python -m benchmarks.quote.sizes` from recorded answers.
#
# key: characters of compact JSON that a capable model wrote for one key of one line that was asked; keys that were
# asked less than {least} times are "other". "item" is an item's number and braces, "reply" what is around the items.
# class: calls that were recorded; how many were asked again because the answer broke its schema, and how many narrowly,
# because the text did not bear out an answer; tokens that a call took for each character that was expected of its
# answer (low, mean and high, where 1 and 99 in 100 means of five calls lie).
"""


def main() -> None:
    """Print the file."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ModelClass:
        arguments.add_argument(f"--{name}", type=Path, nargs="+", required=True, metavar="FOLDER")
    chosen = vars(arguments.parse_args())
    exchanges = {name: [one for folder in chosen[name] for one in read_exchanges(folder)] for name in ModelClass}
    sizes = measure_keys(exchanges[ModelClass.CAPABLE])
    print(_HEAD.format(least=_LEAST) + f"measured = {datetime.now(UTC).date()}")
    for name, of_class in sorted(exchanges.items()):
        print(f"\n[class.{name}]\n" + "\n".join(describe_class(of_class, sizes)))
    for key, size in sizes.items():
        print(f"\n[key.{key}]\nmean = {size.mean:.1f}\nasked = {size.asked}")


def measure_keys(exchanges: Iterable[Exchange]) -> dict[str, AnswerSize]:
    """The sizes of keys, by name, in the first answers to calls."""
    found: dict[str, list[float]] = defaultdict(list)
    for exchange in exchanges:
        if not exchange.asked_again and not exchange.narrow:
            for key, size in _measure_answer(exchange):
                found[key].append(size)
    seldom = [key for key, sizes in found.items() if len(sizes) < _LEAST]
    found["other"] = [size for key in seldom for size in found.pop(key)] or [20.0]
    return {key: _describe(found[key]) for key in sorted(found)}


def describe_class(exchanges: Sequence[Exchange], sizes: dict[str, AnswerSize]) -> Iterator[str]:
    """The lines of a class of models."""
    first = [exchange for exchange in exchanges if not exchange.asked_again and not exchange.narrow]
    lots = random.Random(0)
    few = (lots.choices(first, k=_FEW) for _ in range(_RESAMPLES))
    edges = statistics.quantiles([_ratio(drawn, sizes) for drawn in few], n=100, method="inclusive")
    yield f"calls = {len(first)}"
    yield f"asked_again = {sum(exchange.asked_again for exchange in exchanges)}"
    yield f"narrow = {sum(exchange.narrow and not exchange.asked_again for exchange in exchanges)}"
    yield f"tokens_per_character = [{edges[0]:.2f}, {_ratio(first, sizes):.2f}, {edges[-1]:.2f}]"


def _ratio(exchanges: Sequence[Exchange], sizes: dict[str, AnswerSize]) -> float:
    """Tokens for each character that was expected."""
    return sum(e.output_tokens for e in exchanges) / sum(expect_answer(e, sizes) for e in exchanges)


def expect_answer(exchange: Exchange, sizes: dict[str, AnswerSize]) -> float:
    """Characters that are expected of the answer."""
    lines = LINE.findall(exchange.request["messages"][1]["content"])
    keys = sum(sizes.get(key, sizes["other"]).mean for _, asked in lines for key in asked.split())
    return keys + sizes["item"].mean * len(lines) + sizes["reply"].mean


def _measure_answer(exchange: Exchange) -> Iterator[tuple[str, float]]:
    """Characters by key, 0 for one that is left out. Braces and numbers count for each line, answered or not."""
    try:
        items = json.loads(exchange.content)["items"]
    except (ValueError, LookupError, TypeError):
        return
    lines = {int(number): keys.split() for number, keys in LINE.findall(exchange.request["messages"][1]["content"])}
    for number, keys in lines.items():
        own = [item for item in items if item.get("n") == number]
        whole = sum(_length(item) + 1 for item in own)
        asked = {key: sum(_length({key: item[key]}) - 1 for item in own if key in item) for key in keys}
        if keys == ["regimens"]:  # its items hold other keys than the one that is asked
            asked = {"regimens": max(0, whole - 10)}
        yield from asked.items()
        yield "item", max(0, whole - sum(asked.values()))
    yield "reply", _length({"items": items}) - sum(_length(item) + 1 for item in items) + 1


def _length(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _describe(sizes: Sequence[float]) -> AnswerSize:
    return AnswerSize(statistics.mean(sizes), len(sizes))


if __name__ == "__main__":
    main()
