"""A parser that fails: records whose text says "fails by X" end by that error, or by the end of their process.

``FOLDER``, put on PYTHONPATH, makes it so for each Python process, also those that the program starts.
"""

import os
from pathlib import Path

__all__ = ["FOLDER", "RAISED", "path_with_failures"]

FOLDER = Path(__file__).parent / "startup"
RAISED = ("KeyError", "StopIteration", "RecursionError", "MemoryError", "SystemExit")


def path_with_failures() -> str:
    """What PYTHONPATH has to be."""
    return os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH"), str(Path(__file__).parents[2]))))
