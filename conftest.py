"""What the examples of docstrings need: names that they do not import, and a folder to write to."""

from pathlib import Path

import pytest

from extractor.language.book import read_text
from extractor.language.passage import read_passage, read_section

ROOT = Path(__file__).parent


@pytest.fixture(autouse=True)
def _name_readers(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(
        read_text=read_text, read_passage=read_passage, read_section=read_section
    )


@pytest.fixture(autouse=True)
def _write_elsewhere(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An example that writes a file leaves nothing in the clone. It finds the records of the clone
    under the names that a reader of the documentation uses.
    """
    if not isinstance(request.node, pytest.DoctestItem):
        return
    folder = tmp_path_factory.mktemp("example")
    for name in ("seeds", "tests"):
        (folder / name).symlink_to(ROOT / name)
    monkeypatch.chdir(folder)
