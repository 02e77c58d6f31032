"""Rubrics as values: questions, their presets, and the answers to them. Knows no database and no page."""
