import pytest

from labeling.likeness import are_near_identical, likeness, runs_of

LONG = " ".join(f"word{letter} goes on" for letter in "abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bees fly by beating their wings.", "bees fly by beating  their wings"),
        ("**Bees** fly", "“Bees” fly"),
        ("蜜蜂靠振翅飞行。", "蜜蜂靠振翅飞行"),
        (LONG, LONG + " further"),
        (LONG, LONG.replace("wordm", "worde")),
        ("", "  "),
    ],
)
def test_texts_that_nobody_could_rank_are_near_identical(one, other):
    assert are_near_identical(one, other)
    assert are_near_identical(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris.", "Rome."),
        ("4", "5"),
        ("a + b", "a - b"),
        ("+", "-"),
        (f"{LONG} 4", f"{LONG} 5"),
        (f"{LONG} is safe", f"{LONG} is not safe"),
        (f"{LONG} does help", f"{LONG} doesn't help"),
        ("蜜蜂会飞" * 20, "蜜蜂不会飞" + "蜜蜂会飞" * 19),
        (LONG, LONG[: len(LONG) // 2]),
    ],
)
def test_what_decides_between_two_texts_keeps_them_apart(one, other):
    assert not are_near_identical(one, other)


def likeness_of(one, other):
    return likeness(runs_of(one.split(), 3), runs_of(other.split(), 3))


def test_likeness_is_the_share_of_runs_of_three_words():
    # a b c, b c d of the one; b c d, c d e of the other: one of three runs is in both.
    assert likeness_of("a b c d", "b c d e") == pytest.approx(1 / 3)


def test_a_text_shorter_than_a_run_is_one_run():
    assert likeness_of("a b", "a b") == 1
    assert likeness_of("a b", "a c") == 0
