"""How a pilot's tasks are drawn: pure arithmetic, without a database."""

from collections.abc import Mapping


def shares_of(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """How many of `size` fall to each language, in proportion to how many there are.

    counts: language → prompts. By the largest remainders; every language gets one at least, as far as the
    size reaches, and none more than it has.
    """
    there = {language: n for language, n in counts.items() if n > 0}
    size = min(size, sum(there.values()))
    if not there or size <= 0:
        return {}
    if size <= len(there):
        largest = sorted(there, key=lambda language: (-there[language], language))
        return dict.fromkeys(largest[:size], 1)
    total = sum(there.values())
    exact = {language: size * n / total for language, n in there.items()}
    shares = {language: max(1, int(share)) for language, share in exact.items()}
    while (left := size - sum(shares.values())) != 0:
        step = 1 if left > 0 else -1
        # Whoever is furthest from its exact share moves; nobody below one or beyond what there is.
        movable = [language for language in sorted(there) if 1 <= shares[language] + step <= there[language]]
        furthest = max(movable, key=lambda language: step * (exact[language] - shares[language]))
        shares[furthest] += step
    return shares
