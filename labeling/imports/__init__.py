"""Prompts from files: `files` reads rows, `rows` finds a prompt's fields in them. Nothing here writes."""
