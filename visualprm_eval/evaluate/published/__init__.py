"""Figures that papers print, and how ours compare."""
