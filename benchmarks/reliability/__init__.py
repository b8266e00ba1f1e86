"""Calibration of the pre-parser's confidences: fitted on gold, and judged on folds that it has not seen."""
