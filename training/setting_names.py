"""The names of a run's settings as words. Free of Django: the catalog of translations is made from it."""

ACRONYMS = {"kl": "KL", "gae": "GAE", "eos": "EOS"}


def in_words(name: str) -> str:
    """max_new_tokens → Max new tokens."""
    words = " ".join(ACRONYMS.get(word, word) for word in name.split("_"))
    return words[0].upper() + words[1:]
