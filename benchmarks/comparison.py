"""What models add to the rules, field by field, and what they cost, on the same records in one run.

    python -m benchmarks.comparison GOLD RECORDS [RECORDS ...] [--model NAME=SPEC[@DIR] ...] [--assist auto|always]
                                    [--record DIR] [--held-out] [--json FILE] [--limit N] [--resamples N]

A SPEC is one as everywhere (``local:smollm2-135m``, ``http://127.0.0.1:8000/v1#capable``); with ``@DIR`` its recorded
answers are replayed, without timing. A live model is asked about one record at a time: the seconds do not include
parsing. ``--record DIR`` keeps its answers in ``DIR/NAME``. A model that is not available is left out, with a line that
says why.

Prints as Markdown: F1 of each field by the rules alone, and of each model with its paired difference to them and a 95 %
interval; the fields that a model lowers; questions, calls, tokens, seconds. ``--held-out`` adds the scores with a
policy counted on the other records alone, so that nothing that is scored has decided whom to believe.
"""

import asyncio
import json
import re
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil

from benchmarks.data import Pairs, format_table, option_parser, read_pairs
from benchmarks.policy import Situations, add_situations, count_situations
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import combine_policy
from extractor.cli.environment import read_cache_folder, read_model_spec
from extractor.errors import CassetteError, ModelError, ModelUnavailable, StoreError
from extractor.evaluation import evaluate
from extractor.evaluation.report import Difference, ScoreReport
from extractor.llm.dialogue import dialogue
from extractor.llm.local.models import find_model
from extractor.llm.opening import ModelChoice, open_model
from extractor.llm.querying import converse
from extractor.llm.spec import ModelKind, ModelSpec
from extractor.options import Assist, ExtractionOptions
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task, TrialExtraction

Costs = dict[str, float | None]
"""What a model took for all records, by name; None where it was not measured."""
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONNECT_S = 5.0
_COUNTED = ("questions", "open_questions", "calls", "prompt_tokens", "cached_tokens", "output_tokens")
_COSTS = (
    *("model", "records asked", "questions", "left open", "calls", "prompt tokens", "median", "from the cache"),
    *("output tokens", "median", "s a record, median", "90th percentile", "server's processor s"),
)


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model by its name in the tables, and where its answers come from."""

    name: str
    choice: ModelChoice

    @property
    def is_live(self) -> bool:
        """Whether the model itself is asked, not a recording of it."""
        return self.choice.replay is None


@dataclass(frozen=True, slots=True)
class Answered:
    """A record with a model's answers, who was right by field and situation, and the seconds of asking."""

    parsed: ParsedRecord
    result: ModelResult
    situations: Situations
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's costs, and its scores with the policy that ships and with one counted on the other records alone."""

    contestant: Contestant
    costs: Costs
    shipped: ScoreReport
    held_out: ScoreReport | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rules alone (compared with themselves), and every model that could be asked; the others with the reason."""

    records: int
    rules: ScoreReport
    measured: tuple[Measured, ...] = ()
    left_out: tuple[tuple[Contestant, str], ...] = ()

    @property
    def columns(self) -> dict[str, ScoreReport]:
        """The scores of each model by its name, with those of a held-out policy after them."""
        found: dict[str, ScoreReport] = {}
        for one in self.measured:
            found[one.contestant.name] = one.shipped
            if one.held_out:
                found[f"{one.contestant.name}, held out"] = one.held_out
        return found


def main() -> None:
    """Ask, score, print, write."""
    parser = option_parser(__doc__)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--model", metavar="NAME=SPEC[@DIR]", action="append", default=[])
    parser.add_argument("--assist", type=Assist, choices=(Assist.AUTO, Assist.ALWAYS), default=Assist.AUTO)
    parser.add_argument("--record", type=Path, metavar="DIR")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=int, metavar="N")
    parser.add_argument("--resamples", type=int, default=1000, metavar="N")
    chosen = parser.parse_args()
    try:
        contestants = read_contestants(chosen.model, chosen.record)
    except ValueError as error:
        parser.error(str(error))
    pairs = read_pairs(chosen.gold, chosen.records, chosen.limit)
    options = {"assist": chosen.assist, "resamples": chosen.resamples, "held_out": chosen.held_out}
    comparison = compare_models(pairs, contestants, **options, report=lambda text: print(text, file=sys.stderr))
    print(f"`--assist {chosen.assist}`. {format_comparison(comparison)}")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        figures = collect_figures(comparison) | {"assist": chosen.assist}
        chosen.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_contestants(texts: list[str], record: Path | None = None) -> list[Contestant]:
    """All models of a comparison.

    Raises ``ValueError`` as ``read_contestant`` does, for a name that is given twice, and for answers to be recorded
    where no model is live.
    """
    found = [read_contestant(text, record) for text in texts]
    names = Counter(one.name for one in found)
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise ValueError(f"{', '.join(twice)}: more than one model has this name; give each its own")
    if record and not any(one.is_live for one in found):
        raise ValueError("there is no live model whose answers could be recorded; add --model or drop --record")
    return found


def read_contestant(text: str, record: Path | None = None) -> Contestant:
    """Read ``NAME=SPEC``, or ``NAME=SPEC@DIR`` with a folder of recorded answers.

    What follows the last ``@`` is a folder; a model whose own name holds an ``@`` has another one at its end. The
    answers of a live model are kept in a folder of its own in ``record``. Raises ``ValueError`` for anything else.

    >>> read_contestant("small=local:smollm2-135m@tests/small_answers").choice.replay
    PosixPath('tests/small_answers')
    >>> chosen = read_contestant("mine=http://127.0.0.1:8000/v1#org/name@2@", Path("answers")).choice
    >>> str(chosen.spec), chosen.record
    ('http://127.0.0.1:8000/v1#org/name@2', PosixPath('answers/mine'))
    """
    name, mark, rest = text.partition("=")
    if not mark or not _NAME.fullmatch(name):
        form = "write NAME=SPEC, or NAME=SPEC@DIR to replay recorded answers"
        raise ValueError(f"{text!r}: {form}; a NAME has letters, digits and . _ + -")
    spec_text, folder = rest.rsplit("@", 1) if "@" in rest else (rest, "")
    spec = read_model_spec(spec_text)
    if not folder:
        if spec.kind is ModelKind.LOCAL and not spec.path:
            find_model(spec.name or "")
        return Contestant(name, ModelChoice(spec, record=record and record / name, cache_dir=read_cache_folder()))
    if not Path(folder).is_dir():
        hint = f"if the @ belongs to the model's name, write {rest}@"
        raise ValueError(f"{text!r}: there is no folder {folder} to replay; {hint}")
    return Contestant(name, ModelChoice(spec, replay=Path(folder)))


def compare_models(
    pairs: Pairs,
    contestants: Sequence[Contestant],
    *,
    assist: Assist = Assist.AUTO,
    resamples: int = 1000,
    held_out: bool = False,
    report: Callable[[str], object] = lambda _: None,
) -> Comparison:
    """Ask one model after the other; ``report`` gets a line for each. One that is not available is left out."""
    gold = [label for _, label in pairs]
    rules = [assemble_extraction(parsed, ModelResult()) for parsed, _ in pairs]

    def score(found: Sequence[TrialExtraction], resamples: int = resamples) -> ScoreReport:
        return evaluate(gold, found, compare=rules, resamples=resamples, examples=0)

    measured, left_out = [], []
    for contestant in contestants:
        report(f"{contestant.name}: {contestant.choice}")
        try:
            answered, cpu_seconds = asyncio.run(_ask_all(pairs, contestant, ExtractionOptions(assist=assist)))
        except (ModelError, CassetteError, StoreError) as error:
            left_out.append((contestant, str(error).partition("\n")[0]))
            continue
        costs = count_costs(answered, cpu_seconds, is_live=contestant.is_live)
        shipped = score([assemble_extraction(one.parsed, one.result) for one in answered])
        measured.append(Measured(contestant, costs, shipped, score(assemble_held_out(answered)) if held_out else None))
    return Comparison(len(pairs), score(rules, 0), tuple(measured), tuple(left_out))


async def _ask_all(
    pairs: Pairs, contestant: Contestant, options: ExtractionOptions
) -> tuple[list[Answered], float | None]:
    """Ask about one record after the other, and count the processor seconds of our own server."""
    spec = contestant.choice.spec if contestant.is_live else None
    if spec:
        _check_available(spec)
    answered = []
    async with open_model(contestant.choice) as model:
        before = _child_seconds()
        for parsed, gold in pairs:
            begun = time.perf_counter()
            result = await converse(dialogue(parsed, options), model)
            seconds = time.perf_counter() - begun
            answered.append(Answered(parsed, result, count_situations(parsed, result, gold), seconds))
        return answered, _child_seconds() - before if spec and spec.kind is ModelKind.LOCAL else None


def _check_available(spec: ModelSpec) -> None:
    """Raise ``ModelUnavailable`` if servers of this machine are named and none listens: a run would wait minutes."""
    places = [urlsplit(address) for address in spec.addresses]
    if not places or any(place.hostname not in _LOOPBACK for place in places):
        return
    for place in places:
        port = place.port or (443 if place.scheme == "https" else 80)
        try:
            socket.create_connection((place.hostname or "", port), _CONNECT_S).close()
        except OSError:
            continue
        return
    raise ModelUnavailable(f"nothing listens at {spec}")


def _child_seconds() -> float:
    """Processor seconds of this process's children: here, of the server of a model of this machine."""
    return float(sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True)))


def assemble_held_out(answered: Sequence[Answered]) -> list[TrialExtraction]:
    """The extractions in the same order, each with a policy counted on the other records alone."""
    total = add_situations(one.situations for one in answered)
    found = []
    for one in answered:
        counts = {
            field: {name: who - one.situations.get(field, {}).get(name, Counter()) for name, who in situations.items()}
            for field, situations in total.items()
        }
        policy = combine_policy(one.result.policy.model_class, counts)
        found.append(assemble_extraction(one.parsed, replace(one.result, policy=policy)))
    return found


def count_costs(answered: Sequence[Answered], cpu_seconds: float | None, *, is_live: bool) -> Costs:
    """The costs of one model. ``asked_records`` left a question; medians are of all records; a replay has no times."""
    usages = [one.result.usage for one in answered]
    seconds = [one.seconds for one in answered] if is_live else []
    return {
        "asked_records": sum(usage.calls > 0 for usage in usages),
        **{name: sum(getattr(usage, name) for usage in usages) for name in _COUNTED},
        "prompt_median": statistics.median([usage.prompt_tokens for usage in usages] or [0]),
        "output_median": statistics.median([usage.output_tokens for usage in usages] or [0]),
        "seconds_median": statistics.median(seconds) if seconds else None,
        "seconds_p90": float(np.percentile(seconds, 90)) if seconds else None,
        "cpu_seconds": cpu_seconds,
    }


def index_differences(report: ScoreReport) -> dict[str, Difference]:
    """The differences to the rules by the name of the figure."""
    return {difference.name: difference for difference in report.comparison.differences} if report.comparison else {}


def list_lower(report: ScoreReport) -> list[Difference]:
    """The fields that are lower than by the rules alone; averages are no fields."""
    by_name = index_differences(report)
    found = [by_name[field.name] for field in report.fields if field.name in by_name]
    return [one for one in found if one.difference is not None and one.difference < 0]


def is_beyond(difference: Difference) -> bool:
    """Whether a difference is more than chance among the records would make: zero lies outside of its interval."""
    interval = difference.interval
    return interval is not None and (interval.low > 0 or interval.high < 0)


def collect_figures(comparison: Comparison) -> dict[str, Any]:
    """All figures, for JSON."""

    def collect(report: ScoreReport | None) -> dict[str, Any] | None:
        if report is None:
            return None
        differences = {
            name: one.model_dump(exclude={"name"}) | {"beyond": is_beyond(one)}
            for name, one in index_differences(report).items()
        }
        lower = [one.name for one in list_lower(report)]
        return {"resamples": report.resamples, "lower": lower, "differences": differences}

    rules = comparison.rules
    return {
        "records": comparison.records,
        "rules": {"f1": rules.figures()},
        "stated": {name: _count_stated(rules, name) for name in _list_names(rules)},
        "models": {
            one.contestant.name: {
                "spec": str(one.contestant.choice.spec),
                "replay": str(one.contestant.choice.replay) if one.contestant.choice.replay else None,
                "costs": one.costs,
                "figures": collect(one.shipped),
                "held_out": collect(one.held_out),
            }
            for one in comparison.measured
        },
        "left_out": {contestant.name: why for contestant, why in comparison.left_out},
    }


def _list_names(report: ScoreReport) -> list[str]:
    """The figures of a table: the averages over fields first, then every field."""
    return ["all", *Task, *(field.name for field in report.fields)]


def _count_stated(report: ScoreReport, name: str) -> int:
    return sum(field.stated for field in report.fields if name in ("all", field.task, field.name))


def format_comparison(comparison: Comparison) -> str:
    """All tables: accuracy by field, what is lower than by the rules alone, and what it cost."""
    rules, columns = comparison.rules, comparison.columns
    differences = [index_differences(report) for report in columns.values()]
    head = ["field", "stated", "rules alone"]
    head += [cell for name in columns for cell in (name, f"{name}: difference (95 %)")]
    rows = [
        [name, f"{_count_stated(rules, name):,}", rules.figure(name)]
        + [cell for by_name in differences for cell in (by_name[name].f1, _show(by_name[name]))]
        for name in _list_names(rules)
    ]
    parts = [f"{comparison.records} records. F1, normalised.", format_table(head, rows, markdown=True)]
    if comparison.measured:
        losses = "\n".join(f"- {name}: {_describe_losses(report)}" for name, report in columns.items())
        costs = format_table(_COSTS, map(_show_costs, comparison.measured), markdown=True)
        parts += ["Bold: zero lies outside of the difference's 95 % interval.", losses, costs]
    for contestant, why in comparison.left_out:
        parts.append(" ".join(f"Left out: {contestant.name} ({contestant.choice}): {why}".split()))
    return "\n\n".join(parts)


def _show(difference: Difference) -> str:
    if difference.difference is None:
        return "-"
    interval, shown = difference.interval, f"{difference.difference:+.3f}"
    if interval:
        shown = f"{shown} ({interval.low:+.3f} to {interval.high:+.3f})"
    return f"**{shown}**" if is_beyond(difference) else shown


def _describe_losses(report: ScoreReport) -> str:
    lower = list_lower(report)
    text = f"{len(lower)} of {len(report.fields)} fields lower than by the rules alone"
    names = ", ".join(f"**{one.name}**" if is_beyond(one) else one.name for one in lower)
    return f"{text}, {sum(map(is_beyond, lower))} of them beyond the interval ({names})" if lower else text


def _show_costs(measured: Measured) -> list[str]:
    costs = {name: cost or 0 for name, cost in measured.costs.items()}
    counts = ("asked_records", "questions", "open_questions", "calls", "prompt_tokens", "prompt_median")
    shown = [f"{costs[name]:,.0f}" for name in counts]
    shown.append(f"{costs['cached_tokens'] / max(1, costs['prompt_tokens']):.0%}")
    shown += [f"{costs[name]:,.0f}" for name in ("output_tokens", "output_median")]
    for name, digits in (("seconds_median", 2), ("seconds_p90", 2), ("cpu_seconds", 1)):
        shown.append("-" if measured.costs[name] is None else f"{costs[name]:.{digits}f}")
    return [measured.contestant.name, *shown]


if __name__ == "__main__":
    main()
