"""Optimization of pixels: optimizers, steps, warm starts, parametrizations."""
