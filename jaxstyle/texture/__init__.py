"""Textures: pictures that have only the statistics of samples, of any size, without a content."""
