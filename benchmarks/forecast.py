"""Measure the sizes of recorded answers, from which ``--dry-run`` forecasts a run: makes
``extractor/model/cost/answer_sizes.toml``.

    python -m benchmarks.forecast --hosted FOLDER ... --own FOLDER ... > answer_sizes.toml

Each FOLDER is that of a run. The sizes of keys come from hosted models, whose answers are compact;
the tokens for such a size are measured for those and for a model behind a server of its own.
"""

import json
import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import parse_options
from extractor.model.cost.tokens import LINE
from extractor.model.database import open_run_to_read
from extractor.model.store import unpack

_LEAST = 5
_FEW = 5
_RESAMPLES = 2000
_HEAD = f"""\
# Measured by `python -m benchmarks.forecast` from recorded answers.
#
# key: characters of compact JSON that a capable model wrote for one key of one line that was asked; keys that were
# asked less than {_LEAST} times are "other". "item" is an item's number and braces, "reply" what is around the items.
# tokens_per_character: tokens that a call took for each character that was expected of its answer, of hosted models and
# of one behind a server of its own (low, mean and high, where 1 and 99 in 100 means of five calls lie).
"""
_ANSWERED = """
SELECT answered_by, system, user, output_limit, answer, exchanges, prompt_tokens, output_tokens
FROM calls JOIN prompts ON prompt = sha256 WHERE answer IS NOT NULL ORDER BY id
"""
Sizes = Mapping[str, Sequence[float]]
"""Characters of compact JSON in each answer, by key."""


def main() -> None:
    """Print the file."""
    chosen = parse_options(__doc__, hosted=[...], own=[...])
    calls = {
        name: [call for folder in folders for call in read_answered(folder)]
        for name, folders in (("hosted", chosen.hosted), ("own", chosen.own))
    }
    print(format_sizes(calls))


class Answered(NamedTuple):
    """An answered call: its texts, output limit and last answer, and the usage of all exchanges."""

    model: str
    system: str
    user: str
    limit: int
    content: str
    exchanges: int
    prompt_tokens: int
    output_tokens: int

    @property
    def is_first(self) -> bool:
        """Whether the answer is that to a first request, not to a re-ask."""
        return self.exchanges == 1


def read_answered(folder: Path) -> list[Answered]:
    """Return the answered calls of a run, in order."""
    calls = []
    with closing(open_run_to_read(folder)) as run:
        for model, system, user, limit, answer, *spent in run.execute(_ANSWERED):
            texts = (system, unpack(user), limit, unpack(answer))
            calls.append(Answered(model, *texts, *spent))
    return calls


def format_sizes(calls: Mapping[str, Sequence[Answered]]) -> str:
    """Format the file of sizes."""
    sizes = measure_keys(calls["hosted"])
    lines = [f"{_HEAD}measured = {datetime.now(UTC).date()}"]
    lines.append("\n[tokens_per_character]")
    for name, of_class in sorted(calls.items()):
        rates = ", ".join(f"{rate:.2f}" for rate in measure_rates(of_class, sizes))
        lines.append(f"{name} = [{rates}]")
    lines.append("\n[key]")
    for key, found in sizes.items():
        mean = f"{statistics.mean(found):.1f}"
        lines.append(f"{key} = {{ mean = {mean}, asked = {len(found)} }}")
    return "\n".join(lines)


def measure_keys(calls: Iterable[Answered]) -> Sizes:
    """Measure the sizes of keys, by name, in the first answers to calls."""
    measured: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        if not call.is_first:
            continue
        for key, size in _measure_answer(call):
            measured[key].append(size)
    others: list[float] = []
    for key in list(measured):
        if len(measured[key]) < _LEAST:
            others += measured.pop(key)
    measured["other"] = others or [20.0]
    return {key: measured[key] for key in sorted(measured)}


def measure_rates(
    calls: Sequence[Answered], sizes: Sizes
) -> tuple[float, float, float]:
    """Return the tokens for each expected character of an answer: low, mean and high."""
    means = {key: statistics.mean(found) for key, found in sizes.items()}
    answered = [one for one in calls if one.is_first]
    first = [(one.output_tokens, _expect_answer(one, means)) for one in answered]

    def ratio(drawn: Sequence[tuple[int, float]]) -> float:
        tokens, expected = zip(*drawn, strict=True)
        return float(sum(tokens) / sum(expected))

    rng = random.Random(0)
    ratios = [ratio(rng.choices(first, k=_FEW)) for _ in range(_RESAMPLES)]
    edges = statistics.quantiles(ratios, n=100, method="inclusive")
    return edges[0], ratio(first), edges[-1]


def _list_lines(call: Answered) -> list[tuple[int, list[str]]]:
    """Return the numbers of the lines in a request, with the requested keys."""
    lines = LINE.findall(call.user)
    return [(int(number), keys.split()) for number, keys in lines]


def _expect_answer(call: Answered, means: Mapping[str, float]) -> float:
    """Return the expected characters of the answer."""
    lines = _list_lines(call)
    keys = sum(means.get(key, means["other"]) for _, asked in lines for key in asked)
    return keys + means["item"] * len(lines) + means["reply"]


def _measure_answer(call: Answered) -> Iterator[tuple[str, float]]:
    """Yield characters by key, 0 for a missing one. Braces and numbers count for each line,
    answered or not.
    """
    try:
        items = json.loads(call.content)["items"]
    except (ValueError, LookupError, TypeError):
        return
    for number, keys in dict(_list_lines(call)).items():
        own = [item for item in items if item.get("n") == number]
        whole = sum(_length(item) + 1 for item in own)
        asked = {}
        for key in keys:
            parts = [{key: item[key]} for item in own if key in item]
            asked[key] = sum(_length(part) - 1 for part in parts)
        if keys == ["regimens"]:  # its items have other keys than the requested one
            asked = {"regimens": max(0, whole - 10)}
        yield from asked.items()
        yield "item", max(0, whole - sum(asked.values()))
    around = _length({"items": items}) - sum(_length(item) + 1 for item in items)
    yield "reply", around + 1


def _length(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
