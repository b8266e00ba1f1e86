"""Fit the weights that the package ships, each with a command of its own.

``labels`` reads labels and their records as rows. ``log_linear`` fits weights of named features, for
``cut_weights``, ``dose_roles`` and ``dose_pairs``; ``fitting`` fits text classifiers, for
``scorers``; ``signs`` fits what each sign of a value counts, on the values that ``sign_rows`` and
``wordings`` judge. Trials of the gold are used by ``signs`` alone, and by doses those of folds 0 to 2.
"""
