"""Folders in, folder out: many pictures in the style of one painting or of several."""
