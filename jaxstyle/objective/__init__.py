"""The objective: terms, targets, calibration, and the weighted sum."""
