"""Makes child processes import the same modules as this process, independent of the current
directory.

Python puts the current directory first on the path of a child started with ``-c`` or ``-m``, as
multiprocessing does. In a checkout, such a child would import the checkout while its parent runs
the installed package.
"""

import os
import sys
from multiprocessing import process
from pathlib import Path


def child_environment() -> dict[str, str]:
    """Variables for a Python process that imports from the same places as this one, in the same
    order.
    """
    # '' in sys.path means this, even after chdir
    started_in = Path(getattr(process, "ORIGINAL_DIR", None) or "")
    paths = [str((started_in / path).absolute()) for path in sys.path]
    return {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
