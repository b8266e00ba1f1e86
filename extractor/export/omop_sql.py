"""Check cohort definitions and write their SQL with the libraries of OHDSI; needs the extra ``omop``."""

import json
import warnings
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

from extractor.errors import MissingExtra


def check_installed() -> None:
    """Raise ``MissingExtra`` if the extra is not installed."""
    if find_spec("circe") is None or find_spec("ohdsi_cohort_schemas") is None:
        raise MissingExtra("cohort definitions need circe and ohdsi_cohort_schemas", "omop")


def check_cohort(cohort: dict[str, Any]) -> list[str]:
    """Return what is wrong with a definition: violations of the schema, missing concept sets, empty ranges.

    >>> check_cohort({"ConceptSets": []})[0]
    'PrimaryCriteria: Field required'
    """
    from pydantic import ValidationError  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its models use an older style of pydantic
        from ohdsi_cohort_schemas import validate_with_warnings  # noqa: PLC0415 - belongs to an extra

        try:
            return [str(one.message) for one in validate_with_warnings(cohort)[1]]
        except ValidationError as error:
            return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]


def list_dialects() -> list[str]:
    """List the databases for which SQL can be written."""
    from circe.sqlrender import get_supported_dialects  # noqa: PLC0415 - belongs to an extra

    return sorted(get_supported_dialects())


def write_sql(cohort: dict[str, Any], dialect: str, schema: str = "main") -> str:
    """Return the SQL that fills the table ``cohort`` with a definition's people, under id 1.

    ``schema`` holds the tables of the OMOP Common Data Model, the vocabulary and ``cohort``.
    """
    from circe.api import build_cohort_query, cohort_expression_from_json  # noqa: PLC0415 - belongs to an extra
    from circe.sqlrender import render, split_sql  # noqa: PLC0415

    expression = cohort_expression_from_json(json.dumps(cohort))
    statements = split_sql(render(build_cohort_query(expression, _options(schema))))
    return "".join(_translate(f"{one.strip()};\n", dialect) for one in statements)


@lru_cache(maxsize=256)
def _translate(statement: str, dialect: str) -> str:
    """Translate one statement. Most are the same for all trials, and the library is slow for long texts."""
    from circe.sqlrender import translate  # noqa: PLC0415 - belongs to an extra

    return str(translate(statement, target_dialect=dialect))


@cache
def _options(schema: str) -> Any:
    from circe.cohortdefinition import BuildExpressionQueryOptions  # noqa: PLC0415 - belongs to an extra

    options: Any = BuildExpressionQueryOptions()  # type: ignore[no-untyped-call]
    options.cdm_schema = options.vocabulary_schema = options.result_schema = schema
    options.target_table, options.cohort_id, options.generate_stats = f"{schema}.cohort", 1, False
    return options
