"""Conversion of weight files into the canonical form."""
