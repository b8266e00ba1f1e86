"""``extractor doctor``: check the installation, the keys, and whether a model answers."""

import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from extractor.apps.cli.console import FAILED, OK, print_table
from extractor.apps.cli.options import ModelOption
from extractor.errors import ExtractorError
from extractor.model.providers import list_providers

_OK = "ok"
_FAILED = "failed"
_PROBE = "Adults with an ECOG performance status of 0 to 1 and platelets of at least 100 x 10^9/L."
"""Invented text for a test question to a model."""


def doctor(model: ModelOption = None) -> int:
    """Check Python, the extras, the keys in the environment and, optionally, a model.

    With --model, one question about an invented record (about 6,500 tokens) is sent
    to the model. Otherwise nothing is sent.


    Exit codes: 0 no problem, 1 the model does not answer, 2 wrong usage.

    Example: extractor doctor --model gpt-5-mini
    """
    keys = sorted(
        {provider.key or "" for provider in list_providers().values()}
        & os.environ.keys()
    )
    installed_extras = []
    missing_extras = []
    for name in metadata("trial-extractor").get_all("Provides-Extra") or ():
        libraries = ", ".join(_list_missing(name))
        if libraries:
            missing_extras.append(f"{name} (no {libraries})")
        else:
            installed_extras.append(name)
    rows = [
        ("extractor", _OK, version("trial-extractor")),
        ("python", _OK, sys.version.partition(" ")[0]),
        ("extras", _OK, ", ".join(installed_extras)),
        ("not installed", _OK, ", ".join(missing_extras)),
        ("keys", _OK, ", ".join(keys) or "none in the environment"),
    ]
    if model:
        rows.append(("model", *_ask(model)))
    print_table(("check", "state", "detail"), rows)
    # only the model can fail, whose row is the last
    if rows[-1][1] == _FAILED:
        return FAILED
    return OK


def _list_missing(extra: str) -> Iterator[str]:
    """Yield those libraries of an extra that are not installed.

    Requirements are formatted as in package metadata: ``duckdb>=1.0; extra == "export"``.
    """
    pattern = re.compile(rf"([\w.-]+).*extra == ['\"]{extra}['\"]")
    for requirement in requires("trial-extractor") or ():
        library = pattern.match(requirement)
        if library is None:
            continue
        try:
            version(library[1])
        except PackageNotFoundError:
            yield library[1]


def _ask(name: str) -> tuple[str, str]:
    """Ask the model about an invented record. Return (state, detail), where the detail is the
    problem if the model does not answer.

    Raises ``ValueError`` if ``name`` is not a valid model specification.
    """
    from extractor.api import Extractor  # noqa: PLC0415 - slow, and few checks ask a model
    from extractor.apps.cli.environment import read_model_spec  # noqa: PLC0415 - as above

    spec = read_model_spec(name)
    try:
        extraction = Extractor(spec).extract_text(f"Inclusion criteria:\n- {_PROBE}")
    except ExtractorError as error:
        return _FAILED, str(error)
    if extraction.usage and extraction.usage.calls:
        return _OK, f"{spec} answers"
    return _FAILED, "; ".join(finding.message for finding in extraction.findings)
