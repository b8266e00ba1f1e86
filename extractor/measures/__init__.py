"""Canonical names of quantities and UCUM codes of units, for every stage that compares numbers."""

from .quantities import Quantity, fold_words, list_quantities, name_quantity
from .units import convert, find_dimension, read_unit

__all__ = ["Quantity", "convert", "find_dimension", "fold_words", "list_quantities", "name_quantity", "read_unit"]
