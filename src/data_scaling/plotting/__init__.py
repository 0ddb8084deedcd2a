"""Figures: each a function from numbers to ``(figure, frame)``."""
