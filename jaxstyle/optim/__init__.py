"""Optimizers of pixels."""
