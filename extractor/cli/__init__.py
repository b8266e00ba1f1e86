"""The command ``extractor``: arguments in, exit code out. One module per command."""

from .app import main

__all__ = ["main"]
