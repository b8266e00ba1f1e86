"""The limits of a criterion: quantity, comparator, value, unit, and to whom they apply."""
