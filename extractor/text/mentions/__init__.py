"""What a line says in numbers: limits, ages, windows and moments, as typed spans of its tokens with their readings."""
