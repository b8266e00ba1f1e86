"""Runs the command ``extractor`` as ``python -m extractor``."""

from extractor.apps.cli import main

main()
