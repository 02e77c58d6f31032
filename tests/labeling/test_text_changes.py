from hypothesis import given
from hypothesis import strategies as st

from labeling.text_changes import changes


def told(passage):
    return [(part.kind, part.text) for part in passage.parts]


def test_a_word_that_changed_stands_beside_what_it_was():
    [before, changed, after] = changes("One.\nBe brief.\nTwo.", "One.\nBe thorough.\nTwo.")

    assert told(before) == [("same", "One.")]
    assert told(changed) == [("same", "Be "), ("gone", "brief"), ("new", "thorough"), ("same", ".")]
    assert told(after) == [("same", "Two.")]


def test_chinese_is_told_apart_by_character():
    [changed] = changes("要简短。", "要详细。")

    assert told(changed)[0] == ("same", "要")
    assert ("gone", "简短") in told(changed) and ("new", "详细") in told(changed)


def test_lines_far_from_a_change_are_left_out():
    old = "\n".join(f"Line {n}." for n in range(20))

    passages = changes(old, old.replace("Line 10.", "Line ten."))

    assert [bool(passage.parts) for passage in passages] == [False, True, True, True, False]


def test_lines_that_came_and_went_are_whole():
    [came, same] = changes("Stays.", "New.\nStays.")

    assert told(came) == [("new", "New.")]
    assert told(same) == [("same", "Stays.")]


@given(st.lists(st.sampled_from("ab \n"), max_size=30), st.lists(st.sampled_from("ab \n"), max_size=30))
def test_whatever_changed_what_is_kept_and_new_is_part_of_the_new_text(old, new):
    old, new = "".join(old), "".join(new)

    for passage in changes(old, new):
        for part in passage.parts:
            source = old if part.kind == "gone" else new
            assert part.text in "\n".join(source.splitlines())
