"""Compare the forecast of a run with its real figures.

    python -m benchmarks.quote [FOLDER ...]
    python -m benchmarks.quote --sizes --capable FOLDER ... --small FOLDER ... > answer_sizes.toml

Each FOLDER holds recorded answers (of ``extractor run --record``) or is a run's folder; the default is the folders of
this repository. The first requests of all calls are measured as ``--dry-run`` measures them, and the forecast is
compared with the servers' reports on all calls, including repeated and narrow ones. Recordings of the model called
``capable`` have estimates of four characters per token, others the tokens of their tokenizer. Exits with 1 if a figure
lies outside its forecast.

``--sizes`` measures the sizes of answers again, and prints ``extractor/llm/answer_sizes.toml``. The sizes of keys come
from the capable model, whose answers are compact; the tokens for such a size are measured for each class.
"""

import json
import random
import statistics
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import format_table, option_parser
from extractor.assemble.policy import ModelClass, classify_model
from extractor.llm.database import RUN_FILE, open_run_to_read
from extractor.llm.estimates import LINE, Forecast, RequestSize, forecast_run, load_rates, measure_body
from extractor.llm.prompt import RECHECK
from extractor.llm.spec import ModelKind

_FOLDERS = (Path("seeds/answers"), Path("tests/small_answers"), Path("tests/hostile/answers"))
_HEADINGS = ("recordings", "model", "figure", "low", "expected", "actual", "high", "")
_LEAST = 5
_FEW, _RESAMPLES = 5, 2000
_HEAD = f"""\
# Measured by `python -m benchmarks.quote --sizes` from recorded answers.
#
# key: characters of compact JSON that a capable model wrote for one key of one line that was asked; keys that were
# asked less than {_LEAST} times are "other". "item" is an item's number and braces, "reply" what is around the items.
# class: calls that were recorded; how many were asked again because the answer broke its schema, and how many narrowly,
# because the text did not bear out an answer; tokens that a call took for each character that was expected of its
# answer (low, mean and high, where 1 and 99 in 100 means of five calls lie).
"""
Sizes = Mapping[str, Sequence[float]]
"""Characters of compact JSON in each answer, by key."""


def main() -> None:
    """Print a line for each figure of each model in each folder, or the file of sizes."""
    parser = option_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    parser.add_argument("--sizes", action="store_true", help="print answer_sizes.toml")
    for model_class in ModelClass:
        parser.add_argument(f"--{model_class}", type=Path, nargs="+", default=[], metavar="FOLDER")
    chosen = parser.parse_args()
    if chosen.sizes:
        folders = vars(chosen)
        print(format_sizes({name: [e for path in folders[name] for e in read_exchanges(path)] for name in ModelClass}))
        return
    rows = []
    for folder in chosen.folders or [folder for folder in _FOLDERS if folder.is_dir()]:
        by_model: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in read_exchanges(folder):
            by_model[exchange.model].append(exchange)
        for model, exchanges in by_model.items():
            for name, forecast, actual in compare(exchanges, model):
                figures = (round(forecast.low), round(forecast.expected), actual, round(forecast.high))
                outside = "" if forecast.low <= actual <= forecast.high else "outside"
                rows.append((folder, model, name, *figures, outside))
    print(format_table(_HEADINGS, rows))
    raise SystemExit(1 if any(outside for *_, outside in rows) else 0)


class Exchange(NamedTuple):
    """One request and its reply. A ``narrow`` one asks again for answers that the text did not support."""

    model: str
    narrow: bool
    request: dict[str, Any]
    content: str
    prompt_tokens: int
    output_tokens: int

    @property
    def is_first(self) -> bool:
        """Whether it is the first request of a call."""
        return not self.narrow and not self.is_repeated

    @property
    def is_repeated(self) -> bool:
        """Whether it is a repeated request of its call."""
        return len(self.request["messages"]) > 2


def read_exchanges(folder: Path) -> Iterator[Exchange]:
    """Yield all exchanges of a folder of ``--record``, or of a run."""
    if (folder / RUN_FILE).is_file():
        sql = (
            "SELECT model, prompt, request, reply, prompt_tokens, output_tokens FROM calls JOIN chains"
            " ON chains.id = calls.chain WHERE status = 200 ORDER BY calls.id"
        )
        with closing(open_run_to_read(folder)) as run:
            for model, prompt, request, reply, *tokens in run.execute(sql):
                message = json.loads(zlib.decompress(reply))["choices"][0]["message"]
                body = json.loads(zlib.decompress(request))
                yield Exchange(model, prompt == RECHECK, body, message.get("content") or "", *tokens)
        return
    for path in sorted(folder.glob("*.json")):
        kept = json.loads(path.read_text("utf-8"))
        usage, content = kept["usage"] or {}, kept["reply"]["message"].get("content") or ""
        tokens = [usage.get(f"{side}_tokens") or 0 for side in ("prompt", "completion")]
        yield Exchange(kept["model"], (kept["prompt"] or {}).get("name") == RECHECK, kept["request"], content, *tokens)


def compare(exchanges: Sequence[Exchange], model: str) -> Iterator[tuple[str, Forecast, int]]:
    """Yield each figure with its forecast and its real value."""
    sizes = (measure_body({"max_tokens": 10**6, **one.request}) for one in exchanges if one.is_first)
    forecast = forecast_run(sum(sizes, RequestSize()), load_rates(ModelKind.SERVER, classify_model(model)))
    yield "calls", forecast.calls, len(exchanges)
    yield "prompt tokens", forecast.prompt_tokens, sum(one.prompt_tokens for one in exchanges)
    yield "output tokens", forecast.output_tokens, sum(one.output_tokens for one in exchanges)


def format_sizes(exchanges: Mapping[ModelClass, Sequence[Exchange]]) -> str:
    """Format the file of sizes."""
    sizes = measure_keys(exchanges[ModelClass.CAPABLE])
    parts = [f"{_HEAD}measured = {datetime.now(UTC).date()}"]
    for name, of_class in sorted(exchanges.items()):
        parts.append(f"\n[class.{name}]\n" + "\n".join(describe_class(of_class, sizes)))
    for key, found in sizes.items():
        parts.append(f"\n[key.{key}]\nmean = {statistics.mean(found):.1f}\nasked = {len(found)}")
    return "\n".join(parts)


def measure_keys(exchanges: Iterable[Exchange]) -> Sizes:
    """Measure the sizes of keys, by name, in the first answers to calls."""
    found: dict[str, list[float]] = defaultdict(list)
    for exchange in exchanges:
        for key, size in _measure_answer(exchange) if exchange.is_first else ():
            found[key].append(size)
    seldom = [key for key, sizes in found.items() if len(sizes) < _LEAST]
    found["other"] = [size for key in seldom for size in found.pop(key)] or [20.0]
    return {key: found[key] for key in sorted(found)}


def describe_class(exchanges: Sequence[Exchange], sizes: Sizes) -> Iterator[str]:
    """Yield the lines for a class of models."""
    means = {key: statistics.mean(found) for key, found in sizes.items()}
    first = [(one.output_tokens, _expect_answer(one, means)) for one in exchanges if one.is_first]

    def ratio(drawn: Sequence[tuple[int, float]]) -> float:
        return sum(tokens for tokens, _ in drawn) / sum(expected for _, expected in drawn)

    rng = random.Random(0)
    ratios = [ratio(rng.choices(first, k=_FEW)) for _ in range(_RESAMPLES)]
    edges = statistics.quantiles(ratios, n=100, method="inclusive")
    yield f"calls = {len(first)}"
    yield f"asked_again = {sum(one.is_repeated for one in exchanges)}"
    yield f"narrow = {sum(one.narrow and not one.is_repeated for one in exchanges)}"
    yield f"tokens_per_character = [{edges[0]:.2f}, {ratio(first):.2f}, {edges[-1]:.2f}]"


def _list_lines(exchange: Exchange) -> list[tuple[int, list[str]]]:
    """Return the numbers of the lines in a request, with the requested keys."""
    lines = LINE.findall(exchange.request["messages"][1]["content"])
    return [(int(number), keys.split()) for number, keys in lines]


def _expect_answer(exchange: Exchange, means: Mapping[str, float]) -> float:
    """Return the expected characters of the answer."""
    lines = _list_lines(exchange)
    keys = sum(means.get(key, means["other"]) for _, asked in lines for key in asked)
    return keys + means["item"] * len(lines) + means["reply"]


def _measure_answer(exchange: Exchange) -> Iterator[tuple[str, float]]:
    """Yield characters by key, 0 for a missing one. Braces and numbers count for each line, answered or not."""
    try:
        items = json.loads(exchange.content)["items"]
    except (ValueError, LookupError, TypeError):
        return
    for number, keys in dict(_list_lines(exchange)).items():
        own = [item for item in items if item.get("n") == number]
        whole = sum(_length(item) + 1 for item in own)
        asked = {key: sum(_length({key: item[key]}) - 1 for item in own if key in item) for key in keys}
        if keys == ["regimens"]:  # its items hold other keys than the requested one
            asked = {"regimens": max(0, whole - 10)}
        yield from asked.items()
        yield "item", max(0, whole - sum(asked.values()))
    yield "reply", _length({"items": items}) - sum(_length(item) + 1 for item in items) + 1


def _length(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
