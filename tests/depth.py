"""How much is tried: enough to notice at once in the usual run, more with ``--hypothesis-profile=thorough``."""

from hypothesis import settings

__all__ = ["choose"]


def choose(usual: int, thorough: int) -> int:
    """The number of examples or records in this run."""
    return thorough if settings.get_current_profile_name() == "thorough" else usual
