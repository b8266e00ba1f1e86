"""Runs the ``extractor`` command when called as ``python -m extractor``."""

from extractor.apps.cli import main

main()
