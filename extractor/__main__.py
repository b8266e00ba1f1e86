"""Runs the ``extractor`` command as ``python -m extractor``."""

from extractor.apps.cli import main

main()
