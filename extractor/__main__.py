"""Runs the command ``extractor`` as ``python -m extractor``."""

from extractor.cli import main

main()
