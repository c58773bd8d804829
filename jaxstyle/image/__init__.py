"""Pictures: reading, writing, color, geometry. NumPy and Pillow only."""
