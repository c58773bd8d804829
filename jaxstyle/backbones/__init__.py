"""Pretrained networks: one picture in, named features out."""
