"""Keep the files of an earlier run until the new run that replaces them has begun in earnest.

``extractor run --fresh`` sets them aside. They go when the new run has a result or an answer; if it
ends without one, they come back. After a kill, the next run in the folder decides.
"""

from collections.abc import Iterable
from pathlib import Path
from shutil import rmtree

_ASIDE = ".earlier"
_MOVING = ".moving"
"""Files on their way there or back: they belong where they were."""


class EarlierFiles:
    """The files of an earlier run in a folder, and the place beside them.

    Args:
        folder: The run's folder.
        names: The files that a run makes in it, as globs.
    """

    def __init__(self, folder: Path, names: Iterable[str] = ()) -> None:
        self._folder = folder
        self._names = tuple(names)
        self._aside = folder / _ASIDE
        self._moving = folder / _MOVING

    @property
    def are_aside(self) -> bool:
        """Whether the files of an earlier run wait beside those of a new one."""
        return self._aside.is_dir()

    def set_aside(self) -> None:
        """Move the files of the earlier run aside, if there are any."""
        present = self._list_files()
        if not present or self.are_aside:
            return
        self._moving.mkdir()
        _move(present, self._folder, self._moving)
        self._moving.replace(self._aside)

    def discard(self) -> None:
        """Remove the files of the earlier run for good."""
        if self.are_aside:
            rmtree(self._aside)

    def put_back(self) -> bool:
        """Remove the files of the new run, and put those of the earlier one in their place.

        Returns whether there were any.
        """
        if self.are_aside:
            for path in self._list_files():
                path.unlink()
            self._aside.replace(self._moving)
        if not self._moving.is_dir():
            return False
        files = [path for path in self._moving.rglob("*") if path.is_file()]
        _move(files, self._moving, self._folder)
        rmtree(self._moving)
        return True

    def _list_files(self) -> list[Path]:
        """Return the files of a run that are in the folder now."""
        files: list[Path] = []
        for name in self._names:
            files += self._folder.glob(name)
        return files


def _move(files: Iterable[Path], folder: Path, to: Path) -> None:
    """Move files of a folder to the same places of another one."""
    for path in files:
        new_path = to / path.relative_to(folder)
        new_path.parent.mkdir(exist_ok=True)
        path.replace(new_path)
        is_in_subfolder = path.parent != folder
        if is_in_subfolder and not any(path.parent.iterdir()):
            path.parent.rmdir()  # an empty texts/
