"""Prices and limits as the command line is told them, and ``extractor model prices``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.llm.spec import ModelSpec
    from extractor.run import Pricing
    from extractor.run.budget import Limits
    from extractor.run.prices import ListedPrice, PriceList

__all__ = ["check_batch", "find_prices", "print_example", "print_prices", "read_pricing"]

_EXAMPLE = """\
# US dollars per million tokens. Keys of [model] are names as --model takes them; one that ends with * stands for all
# that begin so. cached, batch (share of the price in a provider's batch) and thinking may be left out.
as_of = 2026-11-01

[model."gpt-5-mini"]
prompt = 0.25
cached = 0.025
output = 2.00
batch = 0.5
thinking = [0, 500, 5000]

[model."http://gpu-1:8000/v1#llama-3.3-70b"]
prompt = 0.0
output = 0.0
"""


def read_pricing(spec: "ModelSpec | None", files: Sequence[Path], limits: "Limits", *, batch: bool) -> "Pricing":
    """What a run with these options may spend, and at which prices. Raises ``ValueError`` for a limit in money on a
    model without a price, or a broken file of prices.
    """
    from extractor.run import Pricing

    return Pricing.of(spec, find_prices(files), limits, in_batches=batch)


def check_batch(inputs: Sequence[str], out: Path | None, model: str | None, others: object) -> None:
    """Raise ``ValueError`` for what does not go together with ``--batch``."""
    if out is None:
        raise ValueError("--batch takes hours, and goes on from its folder if it is stopped; name one with --out")
    if model is None:
        raise ValueError("--batch needs the model that is to answer; name it with --model")
    if others:
        raise ValueError(
            "--batch asks the provider itself; drop --replay, --record and the files of requests and answers"
        )
    if "-" in inputs:
        raise ValueError("--batch reads its records several times; name a file instead of standard input")


def find_prices(files: Sequence[Path]) -> "PriceList":
    """These files' prices, then those of the user's folder of settings, then those that come along."""
    from extractor.run.prices import read_prices

    from .environment import find_own_prices

    own = find_own_prices()
    return read_prices((*files, own) if own.is_file() else tuple(files))


def print_prices(prices: "PriceList") -> None:
    """A table on a terminal, tab-separated when piped."""
    import sys

    from .environment import find_own_prices

    headings = ("model", "prompt", "cached", "output", "batch", "thinking", "as of", "from")
    rows = [_cells(entry) for entry in prices.entries]
    if not sys.stdout.isatty():
        print("\n".join("\t".join(row) for row in (headings, *rows)))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), caption=f"US dollars per million tokens; yours: {find_own_prices()}")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in headings[1:5] else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_example() -> None:
    """A file of prices to begin with."""
    print(_EXAMPLE, end="")


def _cells(entry: "ListedPrice") -> tuple[str, ...]:
    price = entry.price
    cached = "" if price.cached is None else f"{price.cached}"
    thinking = "-".join(map(str, price.thinking[::2])) if any(price.thinking) else ""
    return (
        entry.name,
        f"{price.prompt}",
        cached,
        f"{price.output}",
        f"{price.batch}",
        thinking,
        f"{entry.as_of}",
        entry.source,
    )
