"""Runs that tests look at, made in this process."""

from pathlib import Path

from typer.testing import CliRunner

from extractor.cli.app import app


def extract(source: str | Path, folder: Path) -> Path:
    """A run without a model."""
    words = ["run", str(source), "--assist", "never", "--out", str(folder), "--workers", "1", "--quiet"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return folder
