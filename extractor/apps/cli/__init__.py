"""The command ``extractor``: arguments in, exit code out. One module per command."""

from extractor.apps.cli.app import main

__all__ = ["main"]
