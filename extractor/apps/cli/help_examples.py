"""The examples at the end of each command's help."""

from typing import Final

EXAMPLES: Final = {
    "run": """
        extractor run records --out results
        extractor run NCT04280705 my_trial.pdf --out results
        extractor run records --model gpt-5-mini --dry-run
    """,
    "batch submit": """
        extractor batch submit records --model gpt-5-mini --out results
        extractor batch submit records --model gpt-5-mini --dry-run
    """,
    "batch collect": """
        extractor batch collect records --model gpt-5-mini --out results
        extractor batch collect records --answers answers.jsonl --out results
    """,
    "fetch": """
        extractor fetch NCT04280705 NCT04368728 --out trials.jsonl
        extractor fetch --condition asthma --phase 3 --limit 100 --out asthma.jsonl
    """,
    "parse": """
        extractor parse record.json
        extractor parse record.json --explain
    """,
    "report": """
        extractor report results
        extractor report results --out trials.html --open
    """,
    "findings": """
        extractor findings results
        extractor findings results --contradictions -o contradictions.csv
        extractor findings results-of-june --since results-of-may
    """,
    "doubts": """
        extractor doubts results --unread
        extractor doubts results --without category,concept -o doubts.xlsx
        extractor doubts results --field time_windows --reason unread_number
    """,
    "review": """
        extractor review results --gold gold
        extractor review results --gold gold --reviewer anna --blind
        extractor review results --gold agreed --adjudicate gold/anna gold/ben
    """,
    "export": """
        extractor export results --to trials.duckdb
        extractor export results --to tables --format csv --tables criteria,regimens
        extractor export results --to fhir --format fhir
    """,
    "evaluate": """
        extractor evaluate gold results
        extractor evaluate gold results --html errors.html --fail-under all=0.8
    """,
    "calibrate": """
        extractor run records --model gpt-5-mini --fields fields.py:Diet -o results
        extractor calibrate gold results
    """,
    "diff": """
        extractor diff old.json new.json
        extractor diff results-of-may results-of-june --html changes.html
    """,
    "gold import": """
        extractor gold import sheet.csv --to gold
        extractor gold import project-1.json --to gold --records records
    """,
    "gold export": """
        extractor gold export results --to sheet.xlsx
        extractor gold export gold --to tasks.json --records records
    """,
    "gold compare": """
        extractor gold compare gold/anna gold/ben
        extractor gold compare gold/anna gold/ben --html page.html --records records
    """,
    "doctor": """
        extractor doctor
        extractor doctor --verbose
        extractor doctor --needs serve --model gpt-5-mini
    """,
    "config": """
        extractor config
        extractor config --config mine.toml
    """,
    "config trust": """
        extractor config trust
        extractor config trust --undo
    """,
    "mcp": """
        extractor mcp --files records
        extractor mcp --model gpt-5-mini --max-usd 1
    """,
    "schema": """
        extractor schema
        extractor schema dosing
    """,
    "serve": """
        extractor serve --playground
        extractor serve --model gpt-5-mini --max-usd 20 --port 8080
    """,
    "serve spent": """
        extractor serve spent
        extractor serve spent --root service
    """,
    "serve drain": """
        extractor serve drain
        extractor serve drain --root service
    """,
    "serve keys add": """
        extractor serve keys add anna
        extractor serve keys add anna --new --root service
        extractor serve keys add anna --requests-per-minute 60 --max-usd 2 --days 30
    """,
    "serve keys limit": """
        extractor serve keys limit anna --max-usd 5
        extractor serve keys limit anna
    """,
    "serve keys renew": """
        extractor serve keys renew anna
        extractor serve keys renew anna --days 30
    """,
    "serve keys list": """
        extractor serve keys list
        extractor serve keys list --all --root service
    """,
    "serve keys revoke": """
        extractor serve keys revoke anna
        extractor serve keys revoke anna --root service
    """,
}
"""Command lines for each command, a line each."""


def list_examples(command: str) -> list[str]:
    """Return the examples of a command, such as "batch submit"; none for a mere group.

    >>> list_examples("schema")
    ['extractor schema', 'extractor schema dosing']
    """
    lines = EXAMPLES.get(command, "").splitlines()
    return [line.strip() for line in lines if line.strip()]
