"""Fit the weights that are part of the package. Each module is a separate command.

``labels`` reads labels and their records. ``log_linear`` fits weights of named features, for
``cut_weights`` and ``dose_roles``; ``fitting`` fits text classifiers, for
``scorers``; ``signs`` fits the weights of signs, on values that ``sign_rows``, ``marks`` and
``wordings`` judge. Of the gold, only ``signs`` uses all folds, and the doses folds 0 to 2.
"""
