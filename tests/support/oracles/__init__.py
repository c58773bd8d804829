"""What recipes lower, by torch in float64: written from the papers and their code as read.

A module for each family, with `ORACLES` by `"RECIPE/VARIANT"`. Nothing of jaxstyle is used but the
places of the original files of the weights. Needs torch, which the tests do not.
"""
