"""``extractor doctor``: what is installed, what is missing, and how to mend it."""

import json
import os
import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated, Final

import typer

from extractor.apps.cli.config_options import ConfigState, find_state
from extractor.apps.cli.console import FAILED, OK, print_table, say, to_printable
from extractor.apps.cli.options import JsonOption, ModelOption, option
from extractor.apps.cli.trust import is_trusted
from extractor.options import FILES, split_names
from extractor.plurals import counted

PURPOSES: Final = {
    "export": "Parquet and DuckDB tables",
    "excel": "workbooks of Excel",
    "pandas": "tables as pandas data frames",
    "polars": "tables as polars data frames",
    "arrow": "tables of Arrow",
    "documents": "PDF and Word files",
    "fhir": "FHIR R5 resources",
    "review": "extractor review",
    "serve": "extractor serve",
    "mcp": "extractor mcp, tools for agents",
    "notebook": "the notebooks",
    "cluster": "a run on many machines (--ray)",
    "s3": "inputs at S3 addresses",
    "anthropic": "models of Anthropic",
    "google": "models of Google",
    "mistral": "models of Mistral",
    "groq": "models at Groq",
    "bedrock": "models at Amazon Bedrock",
    "litellm": "models by LiteLLM",
    "xai": "models of xAI",
    "site": "the documentation as a site (mkdocs serve)",
    "train": "training of the learned scorers",
    "compare": "benchmarks against other libraries",
    "dev": "tests and linters",
}
"""What each extra is for."""

_OPTIONS_FILE = "options file"
_SHOWN_IN_SUMMARY = frozenset({"model", _OPTIONS_FILE})

_PROBE = "Adults with an ECOG performance status of 0 to 1 and platelets of at least 100 x 10^9/L."
"""A made-up text for a question to a model."""


@dataclass(frozen=True)
class Check:
    """One line of the report. ``state`` is ok, missing (allowed) or failed; ``remedy`` says what
    to do.
    """

    name: str
    state: str
    detail: str
    remedy: str = ""


def doctor(
    out: Annotated[
        Path,
        option(FILES, "A folder that must be writable.", "--out", "-o", metavar="DIR"),
    ] = Path(),
    needs: Annotated[
        str,
        option(
            FILES,
            "Extras that must be installed, such as serve,export.",
            metavar="NAME,...",
        ),
    ] = "",
    as_json: JsonOption = False,
    verbose: Annotated[
        bool, option(FILES, "Show every check.", "--verbose", "-v")
    ] = False,
    model: ModelOption = None,
    *,
    context: typer.Context,
) -> int:
    """Check the installation: say that all is well, or what is wrong and what mends it.

    An extra that is not installed is no problem unless --needs names it;
    --verbose lists them all, with the command that installs each.

    With --model, one question about a made-up record goes to the model, of about
    6,500 tokens. Nothing is sent without it.

    Exit codes: 0 all is well, 1 the model does not answer, a folder cannot be
    written, or an extra of --needs is missing; 2 usage.
    """
    checks = [
        Check("extractor", "ok", version("trial-extractor")),
        Check("python", "ok", ".".join(map(str, sys.version_info[:3]))),
        *_check_extras(split_names(needs)),
        _check_options_file(find_state(context)),
        _check_folder("results", out, "name another folder with --out"),
        _check_folder(
            "temporary files",
            Path(tempfile.gettempdir()),
            "set TMPDIR to a folder that you may write",
        ),
    ]
    if model:
        checks.append(_check_model(model))
    failed = [check for check in checks if check.state == "failed"]
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    elif verbose:
        _print_all(checks)
    else:
        print(_sum_up(checks, failed))
        for check in failed:
            print(to_printable(f"{check.name}: {check.detail}; {check.remedy}"))
    return FAILED if failed else OK


def _sum_up(checks: Sequence[Check], failed: Sequence[Check]) -> str:
    """Say in one line whether all is well, and what else may be of interest."""
    verdict = "all is well"
    if failed:
        verdict = f"{len(failed)} of {counted(len(checks), 'check')} failed"
    said = [verdict]
    said += [
        check.detail
        for check in checks
        if check.name in _SHOWN_IN_SUMMARY and check.state == "ok" and check.detail
    ]
    missing = sum(check.state == "missing" for check in checks)
    if missing:
        said.append(f"{counted(missing, 'optional extra')} not installed (--verbose)")
    return to_printable(f"extractor {version('trial-extractor')}: {'; '.join(said)}")


def _print_all(checks: Sequence[Check]) -> None:
    """Print a line for each check, with its remedy."""
    names = ("check", "state", "detail", "remedy")
    rows = [(check.name, check.state, check.detail, check.remedy) for check in checks]
    print_table(names, rows, prose=names, apart=False)
    if any(check.remedy.startswith("pip") for check in checks):
        say(
            "extras are for the features named beside them; pip runs in the folder of your clone"
        )


def _check_extras(needed: Collection[str]) -> Iterator[Check]:
    """Yield a check for each extra. Raises ``ValueError`` for an unknown name in ``needed``."""
    from extractor.errors import MissingExtra
    from extractor.schemas.arguments import refuse_unknown

    refuse_unknown("extra", needed, PURPOSES)
    requirements = requires("trial-extractor") or ()
    for name, purpose in PURPOSES.items():
        missing = _list_missing(name, requirements)
        if not missing:
            yield Check(f"extra {name}", "ok", purpose)
            continue
        state = "failed" if name in needed else "missing"
        detail = f"{purpose}; not installed: {', '.join(missing)}"
        yield Check(f"extra {name}", state, detail, MissingExtra(purpose, name).remedy)


def _list_missing(extra: str, requirements: Collection[str]) -> list[str]:
    """Return the libraries of an extra that are not installed.

    A requirement is as in a package's metadata: ``duckdb>=1.0; extra == "export"``.
    """
    missing = []
    for requirement in requirements:
        if not re.search(f"extra == ['\"]{extra}['\"]", requirement):
            continue
        library = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if not _is_installed(library):
            missing.append(library)
    return missing


def _is_installed(library: str) -> bool:
    try:
        return bool(version(library))
    except PackageNotFoundError:
        return False


def _check_options_file(state: ConfigState) -> Check:
    """Say which file of options is in use, or what is wrong with it. Without one it has no
    detail.
    """
    if state.problem:
        problem, _, remedy = state.problem.partition("; ")
        return Check(_OPTIONS_FILE, "failed", problem, remedy)
    if state.file is None:
        return Check(_OPTIONS_FILE, "ok", "")
    places = ", ".join(option.place for option in state.options) or "no options"
    risky = [option for option in state.options if option.risk]
    if risky and not is_trusted(state.file, state.options):
        remedy = "if the file is yours: extractor config trust; if not: --no-config"
        problem = f"{state.file} sets {risky[0].place} and is not trusted"
        return Check(_OPTIONS_FILE, "failed", problem, remedy)
    return Check(_OPTIONS_FILE, "ok", f"options of {state.file} ({places})")


def _check_folder(name: str, folder: Path, remedy: str) -> Check:
    """Check that files can be created in a folder, or in the nearest one above it that exists."""
    folder = folder.absolute()
    existing = folder
    while not existing.exists():
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Check(f"folder of {name}", "ok", str(folder))
    except OSError as error:
        problem = f"{existing}: {os.strerror(error.errno or 0)}"
        return Check(f"folder of {name}", "failed", problem, remedy)


def _check_model(name: str) -> Check:
    """Ask the model about a made-up record. The check fails if the request fails, or if no call
    was answered; else it names the tokens that were used.

    Raises ``ValueError`` if ``name`` is not a model's specification.
    """
    from extractor.api import Extractor
    from extractor.apps.cli.environment import read_model_spec
    from extractor.errors import ExtractorError
    from extractor.schemas import FindingKind, Section, Source, TrialRecord

    spec = read_model_spec(name)
    source = Source(path="doctor", format="flat")
    record = TrialRecord(
        record_id="doctor",
        source=source,
        sections=(Section(name="eligibility", text=_PROBE),),
    )
    try:
        extraction = Extractor(spec, effort="medium").extract(record)
    except ExtractorError as error:
        problem, _, remedy = str(error).partition("; ")
        return Check("model", "failed", problem, remedy)
    usage = extraction.usage
    if usage is None:
        return Check("model", "ok", f"{spec} answers: ")
    has_answered = usage.calls > 0
    if not has_answered:
        problems = [
            finding.message
            for finding in extraction.findings
            if finding.kind is FindingKind.ANSWER_MISSING
        ]
        remedy = "see docs/how-to/own-server.md"
        return Check("model", "failed", "; ".join(problems), remedy)
    tokens = f"{usage.prompt_tokens:,} prompt and {usage.output_tokens:,} output tokens"
    return Check("model", "ok", f"{spec} answers: {tokens}")
