"""How fast a model of this machine answers, by how it is served.

    python -m benchmarks.local [RECORDS ...] [--model local:NAME] [--limit N] [--output-tokens N] [--rounds N]
                               [--only NAME ...]

Each variant differs in one thing from the defaults, those of ``ServerSettings`` and a grammar for the lines of each
call. It is measured in turns with them, on the calls of ``--assist auto`` for the same records (the seeds, unless
given), each round with a server started afresh, so that what else the machine does weighs on both alike: the ratios of
their seconds are the figures, by the clock and of the server's processor time, the median of the rounds. Where the
machine is busy, the clock tells of the others, too; processor time does not, but says nothing of how well cores are
used. Tokens read anew, from the cache and written are the server's own counts. Pull the model first.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

from extractor.cli.environment import read_cache_folder
from extractor.llm.local import locate_model
from extractor.llm.planner import pack_questions, plan_questions
from extractor.llm.prompt import render_call
from extractor.llm.requests import Call
from extractor.options import ExtractionOptions
from extractor.parse import parse_record
from extractor.read import read_records

from .serving import Served, serve_calls
from .variants import DEFAULTS, VARIANTS

__all__ = ["main"]

_SEEDS = Path(__file__).parents[2] / "seeds" / "records"


def main() -> None:
    """Serve, ask, print."""
    chosen = _read_arguments()
    weights = locate_model(chosen.model.removeprefix("local:"), cache_dir=read_cache_folder())
    calls = render_calls(chosen.records or [_SEEDS], chosen.limit)
    print(
        f"{chosen.model}, {len(calls)} calls, by default slots={DEFAULTS.settings.slots} "
        f"threads={DEFAULTS.settings.threads} context={DEFAULTS.settings.context}",
        end="\n\n",
    )
    print(f"{'variant':<24}{'clock':>9}{'CPU':>9}{'anew':>8}{'cached':>8}{'written':>9}{'MB':>7}")
    for name in chosen.only or VARIANTS:
        pairs = [measure_pair(weights, name, calls, chosen.output_tokens) for _ in range(chosen.rounds)]
        print(format_row(name, pairs), flush=True)
    base = serve_calls(weights, DEFAULTS, calls, chosen.output_tokens)
    print(f"{'defaults':<24}{base.seconds:>7.1f} s{base.cpu_seconds:>7.1f} s{_format_counts(base)}")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, nargs="*")
    parser.add_argument("--model", default="local:smollm2-135m", metavar="SPEC")
    parser.add_argument("--limit", type=int, default=8, metavar="N")
    parser.add_argument("--output-tokens", type=int, default=48, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    return parser.parse_args()


def render_calls(sources: Sequence[Path], limit: int) -> list[Call]:
    """The calls that ``--assist auto`` would put for the first records."""
    calls: list[Call] = []
    for record in read_records(*map(str, sources)):
        questions = plan_questions(parse_record(record), ExtractionOptions())
        calls += (render_call(record, pack) for pack in pack_questions(questions))
        if len(calls) >= limit:
            break
    return calls[:limit]


def measure_pair(weights: Path, variant: str, calls: Sequence[Call], output_tokens: int) -> tuple[Served, Served]:
    """A round of the defaults and one of the variant."""
    return (
        serve_calls(weights, DEFAULTS, calls, output_tokens),
        serve_calls(weights, VARIANTS[variant], calls, output_tokens),
    )


def format_row(name: str, pairs: Sequence[tuple[Served, Served]]) -> str:
    """The variant's seconds as a multiple of those of the defaults, by the clock and of the processor, and its counts.

    >>> pairs = [(Served(900, 100, 50, 4.0, 3.0, 500), Served(900, 100, 50, 5.0, 3.3, 400))]
    >>> format_row("1 slot", pairs)
    '1 slot                     1.25 x   1.10 x     900     100       50    400'
    """
    clock = statistics.median(variant.seconds / defaults.seconds for defaults, variant in pairs)
    cpu = statistics.median(variant.cpu_seconds / defaults.cpu_seconds for defaults, variant in pairs)
    return f"{name:<24}{clock:>7.2f} x{cpu:>7.2f} x{_format_counts(pairs[-1][1])}"


def _format_counts(served: Served) -> str:
    return f"{served.read:>8}{served.cached:>8}{served.written:>9}{served.megabytes:>7}"


if __name__ == "__main__":
    main()
