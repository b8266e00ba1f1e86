"""Fit the weights that are part of the package. Each module is a separate command.

``labels`` reads labels and their records. ``log_linear`` fits weights of named features, for
``cut_weights`` and ``dose_roles``; ``fitting`` fits text classifiers, for
``scorers``. ``benchmarks.confidence`` fits the weights of the features of confidences.
"""
