"""Bring gold in from spreadsheets and annotation tools, and take it back to them."""

from extractor.apps.gold.build import Imported, build_gold
from extractor.apps.gold.marks import Mark, Problem

__all__ = ["Imported", "Mark", "Problem", "build_gold"]
