"""Typed columns to integer codes and back, key formats, text and personal values."""
