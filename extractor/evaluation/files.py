"""Which files of a source hold extractions."""

from pathlib import Path

__all__ = ["is_single", "list_files"]

_RUN_FILE = "extractions.jsonl"


def list_files(source: Path) -> list[Path]:
    """The JSON and JSONL files of a folder, of a run's folder its extractions alone. A file is itself.

    >>> [file.suffix for file in list_files(Path("seeds/gold"))][:2]
    ['.json', '.json']
    """
    if not source.is_dir():
        return [source]
    run = source / _RUN_FILE
    if run.is_file():
        return [run]
    return sorted(file for file in source.iterdir() if file.suffix in (".json", ".jsonl") and file.is_file())


def is_single(file: Path) -> bool:
    """Whether a file holds one extraction; all others hold one a line."""
    return file.suffix == ".json"
