"""Styles and scripts that lie beside a package's modules, in its folder ``assets``, and what fields are called."""

import json
from functools import cache
from importlib.resources import files

__all__ = ["name_label", "read_assets", "read_shared_script"]

_LABELS = {
    "lead_in": "introductory line",
    "time_kind": "kind of time",
    "value_high": "upper value",
    "low": "lowest",
    "high": "highest",
}
"""Fields whose names in the schema do not tell a reader what they are."""


def name_label(name: str) -> str:
    """What pages call a field, or a word of the schema.

    >>> name_label("value_high"), name_label("time_window")
    ('upper value', 'time window')
    """
    return _LABELS.get(name, name.replace("_", " "))


def read_assets(package: str, *names: str) -> str:
    """The files of those names one after the other.

    >>> read_assets("extractor.pages", "base.css").startswith(":root")
    True
    """
    return "".join(_read(package, name) for name in names)


def read_shared_script() -> str:
    """The script of all pages, with the labels of fields: ``toWords`` gives what ``name_label`` does.

    >>> read_shared_script().startswith('"use strict";')
    True
    """
    return (
        f"{read_assets('extractor.pages', 'values.js')}\nconst LABELS = new Map({json.dumps(list(_LABELS.items()))});\n"
    )


@cache
def _read(package: str, name: str) -> str:
    return (files(package) / "assets" / name).read_text("utf-8")
