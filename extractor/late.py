"""The functions of upper layers that data classes offer as methods, such as
``TrialExtraction.table``. Data classes do not import the apps that show, export or match them.
"""

from collections.abc import Callable
from typing import Any

find: Callable[[str], Any]
"""Import a function by its name, and return it. ``extractor/__init__.py``, which Python runs before
any other module of the package, sets it.
"""
