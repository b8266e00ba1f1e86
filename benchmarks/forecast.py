"""Measure the sizes of recorded answers, from which ``--dry-run`` forecasts the cost of a run. The
output is ``extractor/model/cost/answer_sizes.toml``.

    python -m benchmarks.forecast --hosted FOLDER ... --own FOLDER ... > answer_sizes.toml

Each FOLDER is the folder of a run. The sizes of keys are measured on hosted models, whose answers
are compact; the tokens per character are measured on these models and on a model on your own
server.
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
from extractor.model.cost.tokens import LINE, PLACED
from extractor.model.database import open_run_to_read
from extractor.model.store import unpack

_LEAST = 5
_ITEM = 8
"""Characters of the braces and the number of an item."""
_FEW = 5
_RESAMPLES = 2000
_HEAD = f"""\
# Measured by `python -m benchmarks.forecast` from recorded answers.
#
# key: characters of compact JSON that a capable model wrote for what one line asks for; what was asked less than
# {_LEAST} times is "other". "item" is an item's number and braces, "reply" what is around the items, and "place" what is
# written for a line of the eligibility text.
# tokens_per_character: tokens that a call took for each character that was expected of its answer, of hosted models and
# of one behind a server of its own (low, mean and high, where 1 and 99 in 100 means of five calls lie).
"""
_ANSWERED = """
SELECT answered_by, system, user, output_limit, answer, exchanges, prompt_tokens, output_tokens
FROM calls JOIN prompts ON prompt = sha256 WHERE answer IS NOT NULL ORDER BY id
"""


class Answered(NamedTuple):
    """An answered call: its texts, output limit, last answer, and the usage of all exchanges."""

    model: str
    system: str
    user: str
    limit: int
    content: str
    exchanges: int
    prompt_tokens: int
    output_tokens: int

    def list_lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the numbers of the lines in the request, with the requested keys."""
        for number, keys in LINE.findall(self.user):
            yield int(number), keys.split()

    def count_placed(self) -> int:
        """Count the lines of a text whose structure is asked about."""
        return len(PLACED.findall(self.user))


def main() -> None:
    """Print the file."""
    chosen = parse_options(__doc__, hosted=[...], own=[...])
    calls = {
        name: [call for folder in folders for call in read_answered(folder)]
        for name, folders in (("hosted", chosen.hosted), ("own", chosen.own))
    }
    print(format_sizes(calls))


def read_answered(folder: Path) -> list[Answered]:
    """Return the answered calls of a run, in order."""
    calls = []
    with closing(open_run_to_read(folder)) as run:
        for model, system, user, limit, answer, *spent in run.execute(_ANSWERED):
            texts = (system, unpack(user), limit, unpack(answer))
            calls.append(Answered(model, *texts, *spent))
    return calls


def format_sizes(calls: Mapping[str, Sequence[Answered]]) -> str:
    """Format the file of sizes. Only calls that were answered in the first exchange are measured."""
    first = {
        name: [call for call in of_class if call.exchanges == 1]
        for name, of_class in calls.items()
    }
    measured = measure_keys(first["hosted"])
    means = {key: statistics.mean(found) for key, found in measured.items()}
    lines = [f"{_HEAD}measured = {datetime.now(UTC).date()}"]
    lines.append("\n[tokens_per_character]")
    for name, answered in sorted(first.items()):
        rates = ", ".join(f"{rate:.2f}" for rate in measure_rates(answered, means))
        lines.append(f"{name} = [{rates}]")
    lines.append("\n[key]")
    for key, found in measured.items():
        lines.append(f"{key} = {{ mean = {means[key]:.1f}, asked = {len(found)} }}")
    return "\n".join(lines)


def measure_keys(calls: Iterable[Answered]) -> Mapping[str, Sequence[float]]:
    """Return the sizes of answers in characters of compact JSON, by key. Rare keys are "other"."""
    measured: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        for key, size in _measure_answer(call):
            measured[key].append(size)
    others: list[float] = []
    for key in list(measured):
        if len(measured[key]) < _LEAST:
            others += measured.pop(key)
    measured["other"] = others or [20.0]
    return {key: measured[key] for key in sorted(measured)}


def _measure_answer(call: Answered) -> Iterator[tuple[str, float]]:
    """Yield the number of characters for what each line asks for, which is 0 without an item, and for
    each line of the eligibility text. Braces and numbers are counted for each item of a line.
    """
    try:
        items = json.loads(call.content)["items"]
    except (ValueError, LookupError, TypeError):
        return
    lines = dict(call.list_lines())
    for number, asked in lines.items():
        of_line = [item for item in items if item.get("n") == number]
        whole = sum(_length(item) + 1 for item in of_line)
        # what is asked first of a line has all its keys: those of a criterion, regimens or an outcome
        first, *others = asked
        yield first, max(0, whole - _ITEM)
        yield from ((name, 0) for name in others)
        yield "item", min(whole, _ITEM)
    placed = call.count_placed()
    if placed:
        of_text = [item for item in items if item.get("n") not in lines]
        whole = sum(_length(item) + 1 for item in of_text)
        yield from [("place", whole / placed)] * placed
    around = _length({"items": items}) - sum(_length(item) + 1 for item in items)
    yield "reply", around + 1


def _length(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def measure_rates(
    calls: Sequence[Answered], means: Mapping[str, float]
) -> tuple[float, float, float]:
    """Return the tokens per expected character of an answer: low, mean and high."""
    sizes = []
    for call in calls:
        expected = means["reply"]
        for _, keys in call.list_lines():
            expected += means["item"]
            expected += sum(means.get(key, means["other"]) for key in keys)
        expected += call.count_placed() * means.get("place", means["other"])
        sizes.append((call.output_tokens, expected))

    def ratio(drawn: Sequence[tuple[int, float]]) -> float:
        tokens, expected = zip(*drawn, strict=True)
        return float(sum(tokens) / sum(expected))

    rng = random.Random(0)
    ratios = [ratio(rng.choices(sizes, k=_FEW)) for _ in range(_RESAMPLES)]
    edges = statistics.quantiles(ratios, n=100, method="inclusive")
    return edges[0], ratio(sizes), edges[-1]


if __name__ == "__main__":
    main()
