"""A page of HTML from its template."""

from collections.abc import Mapping
from typing import Any

from extractor.errors import ExtractorError

__all__ = ["render_template"]


def render_template(package: str, name: str, values: Mapping[str, Any]) -> str:
    """Fill the template of that name in the ``assets`` of a package. What is filled in is escaped.

    Filters beside those of jinja2: ``share`` (0.123, or a dash for None), ``percent`` (of an axis from 0 to 1) and
    ``plural`` (a number with its noun). Raises ``ExtractorError`` without jinja2.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - needs an extra
    except ImportError as error:
        raise ExtractorError("a page needs jinja2; install it with: pip install 'trial-extractor[evaluate]'") from error
    environment = Environment(
        loader=PackageLoader(package, "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "percent": _percent, "plural": _plural}
    return environment.get_template(name).render(**values)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
