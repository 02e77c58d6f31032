"""Declared preferences of simulated annotators: each file has `preference(prompt, completion) -> float`."""
