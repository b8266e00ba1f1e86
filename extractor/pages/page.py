"""A page of HTML that is one file: its style, its script and its data are in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from extractor.errors import MissingExtra

from .assets import name_label, read_assets, read_shared_script
from .policy import state_policy

__all__ = ["render_page"]

_SHARED = "extractor.pages"


def render_page(package: str, values: Mapping[str, Any], *, styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Fill the template ``page.html`` in the ``assets`` of a package, which extends ``base.html`` of this one.

    ``styles`` and ``scripts`` are files beside it, put behind those that all pages share. What is filled in is escaped.
    Filters beside those of jinja2: ``share`` (0.123, or a dash for None), ``percent`` (of an axis from 0 to 1),
    ``plural`` (a number with its noun) and ``label`` (what a field is called).
    Raises ``MissingExtra`` without jinja2.
    """
    try:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - needs an extra
    except ImportError as error:
        raise MissingExtra("a page needs jinja2; install it with: pip install 'trial-extractor[evaluate]'") from error
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "assets"), PackageLoader(_SHARED, "assets")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "percent": _percent, "plural": _plural, "label": name_label}
    style = read_assets(_SHARED, "base.css") + read_assets(package, *styles)
    script = read_shared_script() + read_assets(package, *scripts)
    made = {"style": style, "script": script, "policy": state_policy(style, script)}
    return environment.get_template("page.html").render(values, **made)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
