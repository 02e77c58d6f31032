import time
from itertools import combinations

import pytest

from labeling.differences import Piece, differences
from tests import hostile


def marked(pieces):
    return [piece.text for piece in pieces if piece.differs]


def test_words_that_only_one_has_are_marked():
    one, other = differences("a red house", "a blue house, new")

    assert (marked(one), marked(other)) == (["red"], ["blue", ", new"])


def test_chinese_is_compared_character_by_character():
    one, other = differences("今天天气很好", "今天天气不好")

    assert (marked(one), marked(other)) == (["很"], ["不"])


def test_equal_texts_have_nothing_marked():
    assert differences("same\n\ntext", "same\n\ntext") == ([Piece("same\n\ntext", False)],) * 2


def test_long_texts_are_compared_by_lines():
    lines = [f"line {n} with some words in it" for n in range(800)]
    one, other = differences("\n".join(lines), "\n".join([*lines[:400], "another", *lines[401:]]))

    assert (marked(one), marked(other)) == (["line 400 with some words in it\n"], ["another\n"])


@pytest.mark.parametrize("pair", combinations(["together", *hostile.LONG], 2), ids="-".join)
def test_no_pair_of_texts_takes_a_second_and_nothing_is_lost(pair):
    texts = {"together": hostile.TOGETHER} | hostile.LONG
    begun = time.process_time()

    sides = differences(texts[pair[0]], texts[pair[1]])

    assert time.process_time() - begun < 1
    assert ["".join(piece.text for piece in side) for side in sides] == [texts[name] for name in pair]


def test_the_worst_text_within_the_limit_takes_no_second():
    begun = time.process_time()
    differences("ab cd " * 700, "cd ab " * 700)

    assert time.process_time() - begun < 1
