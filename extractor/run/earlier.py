"""An earlier run that ``--fresh`` replaces: it waits in a folder of its own until the new run ends
with something to keep, else it is put back.
"""

from contextlib import closing
from pathlib import Path
from shutil import rmtree

from extractor.errors import StoreError
from extractor.model.database import RUN_FILE
from extractor.run.files import EXTRACTIONS, FAILURES, REPEATED
from extractor.run.manifest import MANIFEST, NO_MODEL, Manifest, read_manifest
from extractor.run.store import RunStore

_EARLIER = ".earlier"
_FILES = (
    RUN_FILE,
    # a log that is left behind would be taken for that of the next store
    f"{RUN_FILE}-wal",
    f"{RUN_FILE}-shm",
    EXTRACTIONS,
    FAILURES,
    REPEATED,
    MANIFEST,
)
"""What a run writes into its folder, in the order in which it is set aside. It is put back in the
opposite order, so a folder without a store is one whose run is partly aside.
"""


def is_worth_keeping(folder: Path, manifest: Manifest) -> bool:
    """Return whether a run has what another one must not replace: a result, or, if it asks a model,
    an answer. What cannot be read may be worth keeping.
    """
    settings = manifest.settings
    asks = settings.get("effort") != "none" and settings.get("model") != NO_MODEL
    try:
        with closing(RunStore(folder, reading=True)) as store:
            return store.was_answered or (store.has_results and not asks)
    except StoreError:
        return True


def set_aside(folder: Path) -> None:
    """Move the files of the run in a folder aside, if there are any."""
    for name in _FILES:
        if (folder / name).exists():
            (folder / _EARLIER).mkdir(exist_ok=True)
            (folder / name).replace(folder / _EARLIER / name)


def settle(folder: Path) -> bool:
    """Decide between the run in a folder and one that is aside, also after a kill. Returns whether
    the earlier one was put back.
    """
    aside = folder / _EARLIER
    if not aside.is_dir():
        return False
    new = read_manifest(folder / MANIFEST)
    if new and (folder / RUN_FILE).exists() and is_worth_keeping(folder, new):
        rmtree(aside)
        return False
    is_whole = (aside / MANIFEST).exists()
    for name in _FILES if is_whole else ():
        (folder / name).unlink(missing_ok=True)
    for name in reversed(_FILES):
        if (aside / name).exists():
            (aside / name).replace(folder / name)
    aside.rmdir()
    return True
