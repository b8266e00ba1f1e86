"""The public models, from the checkout's ``schemas/`` folder. In the wheel that folder stands in this file's place."""

from schemas import *  # noqa: F403
from schemas import __all__  # noqa: F401
