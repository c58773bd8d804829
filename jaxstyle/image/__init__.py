"""Pictures: reading and writing, color, geometry. NumPy and Pillow only."""
