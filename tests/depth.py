"""Choose the number of examples that a test tries: few by default, many with
``--hypothesis-profile=thorough``.
"""

from hypothesis import settings

__all__ = ["choose"]


def choose(usual: int, thorough: int) -> int:
    """Return the number of examples or records for this run."""
    return thorough if settings.get_current_profile_name() == "thorough" else usual
