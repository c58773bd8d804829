"""Pretrained weights: registry, cache, download, conversion."""
