"""Canonical names of quantities and UCUM codes of units, for every stage that compares numbers."""

from extractor.text.units import convert, find_dimension, read_unit

from .quantities import Quantity, fold_words, list_quantities, name_quantity

__all__ = ["Quantity", "convert", "find_dimension", "fold_words", "list_quantities", "name_quantity", "read_unit"]
