"""Functions of an exported DuckDB database, which its queries may call."""

from collections.abc import Collection, Iterator

from extractor.apps.export.tables import Table

_ADMITS = """
-- The ages of `eligibility` count, too: texts and registries state them there.
CREATE MACRO admits(trial, named, number, unit_of := NULL, least := 0) AS (
    WITH limits AS (
        FROM (
            SELECT record_id, quantity, quantity_group, holds_for, low, low_inclusive, high,
                high_inclusive, outside, unit, canonical, sex, confidence
            FROM bounds
            UNION ALL
            SELECT record_id, 'age', NULL, 'all',
                coalesce(minimum_age_days, registered_minimum_age_days) / 365.25,
                coalesce(minimum_age_comparator, '>=') = '>=',
                coalesce(maximum_age_days, registered_maximum_age_days) / 365.25,
                coalesce(maximum_age_comparator, '<=') = '<=',
                false, 'a', true, NULL, NULL
            FROM eligibility
            WHERE coalesce(minimum_age_days, registered_minimum_age_days, maximum_age_days,
                registered_maximum_age_days) IS NOT NULL
        )
        WHERE record_id = trial AND (quantity = named OR quantity_group = named)
            AND coalesce(confidence, 1) >= least
    ),
    compared AS (
        SELECT holds_for, sex,
            CASE
                WHEN low IS NULL AND high IS NULL THEN NULL
                WHEN unit_of IS NOT NULL AND unit IS DISTINCT FROM unit_of THEN NULL
                WHEN unit_of IS NULL AND NOT canonical THEN NULL
                ELSE outside <> (
                    (low IS NULL OR number > low OR (number = low AND low_inclusive <> outside))
                    AND
                    (high IS NULL OR number < high OR (number = high AND high_inclusive <> outside))
                )
            END AS holds
        FROM limits
    )
    SELECT CASE
        WHEN count(*) = 0 THEN 'states no limit'
        WHEN bool_or(holds_for = 'all' AND NOT holds) THEN 'does not admit'
        WHEN bool_or(sex = 'male' AND NOT holds) AND bool_or(sex = 'female' AND NOT holds)
            THEN 'does not admit'
        WHEN bool_or(NOT holds) THEN 'depends'
        WHEN bool_and(coalesce(holds, false)) THEN 'admits'
        WHEN bool_or(holds) THEN 'depends'
        ELSE 'unclear'
    END
    FROM compared
)
"""


def write_macros(tables: Collection[Table]) -> Iterator[str]:
    """Yield the statements that create the macros of a database with these tables."""
    known = {table.name for table in tables}
    if known >= {"bounds", "eligibility"}:
        yield _ADMITS
