"""Read JSON that a user or a service wrote, and the tables that come with the package."""

import json
from importlib.resources import files
from typing import Any

import tomli


def parse_json(text: str | bytes) -> Any:
    """Parse JSON. Raises ``ValueError`` if it is invalid or nested too deeply; the message states
    the reason.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from None


def read_toml(package: str, name: str) -> dict[str, Any]:
    """Return the contents of a TOML file in a package, given its name, such as ``tables.toml``."""
    return tomli.loads((files(package) / name).read_text("utf-8"))
