"""Read the tables that come with the package."""

from importlib.resources import files
from typing import Any

import tomli


def read_toml(package: str, name: str) -> dict[str, Any]:
    """Return the contents of a TOML file in a package, given its name, such as ``tables.toml``."""
    return tomli.loads((files(package) / name).read_text("utf-8"))
