"""The rules alone and any number of models, on the same records in one run: accuracy by field, and what it cost.

    python -m benchmarks.comparison GOLD RECORDS [RECORDS ...] [--model NAME=SPEC[@DIR] ...] [--record DIR]
                                    [--held-out] [--json FILE] [--limit N] [--resamples N]

A SPEC is one as everywhere (``local:smollm2-135m``, ``http://127.0.0.1:8000/v1#capable``); with ``@DIR`` its recorded
answers are replayed, and there is no timing. A live model is asked about one record at a time, as ``--assist auto``
asks: the seconds are those of asking, without parsing. ``--record DIR`` keeps its answers in ``DIR/NAME``. A model that
is not at hand is left out, with a line that says why.

Prints as Markdown: F1 of each field with the rules alone, and of each model with its paired difference to them and
a 95 % interval; the fields that a model lowers; questions, calls, tokens, seconds. ``--held-out`` adds the scores with
a policy counted on the other records alone.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.models.pairs import read_pairs

from .contestants import Contestant, read_contestants
from .figures import collect_figures
from .measuring import compare_models
from .tables import format_comparison

__all__ = ["main"]


def main() -> None:
    """Ask, score, print, write."""
    chosen, contestants = _read_arguments()
    pairs = read_pairs(chosen.gold, chosen.records, chosen.limit)
    comparison = compare_models(
        pairs,
        contestants,
        resamples=chosen.resamples,
        held_out=chosen.held_out,
        tell=lambda text: print(text, file=sys.stderr),
    )
    print(format_comparison(comparison))
    figures = collect_figures(comparison)
    if chosen.json:
        _write(chosen.json, figures)


def _read_arguments() -> tuple[argparse.Namespace, list[Contestant]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--model", metavar="NAME=SPEC[@DIR]", action="append", default=[])
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
    return chosen, contestants


def _write(path: Path, figures: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
