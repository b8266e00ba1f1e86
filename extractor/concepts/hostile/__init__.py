"""Text that is aimed at a model or hides from a reader."""
