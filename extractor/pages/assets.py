"""Styles and scripts that lie beside a package's modules, in its folder ``assets``."""

from functools import cache
from importlib.resources import files

__all__ = ["read_assets"]


def read_assets(package: str, *names: str) -> str:
    """The files of those names one after the other. Those of this package are ``base.css`` and ``values.js``.

    >>> read_assets("extractor.pages", "values.js").startswith('"use strict";')
    True
    """
    return "".join(_read(package, name) for name in names)


@cache
def _read(package: str, name: str) -> str:
    return (files(package) / "assets" / name).read_text("utf-8")
