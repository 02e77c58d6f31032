import time

import pytest

from labeling.personal_data import personal_data, shown


def found(text):
    return [(one.kind, text[one.start : one.end]) for one in personal_data(text)]


@pytest.mark.parametrize(
    "kind, text",
    [
        ("email", "ada.lovelace+work@mail.example.org"),
        ("phone", "+49 (0)30 1234-5678"),
        ("phone", "+1 415 555 2671"),
        ("phone", "555-123-4567"),
        ("phone", "(030) 1234 5678"),
        ("phone", "030 12345678"),
        ("phone", "13800138000"),
        ("phone", "138 0013 8000"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5500-0000-0000-0004"),
        ("card", "378282246310005"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB82WEST12345698765432"),
        ("chinese_id", "11010519491231002X"),
        ("ip_address", "203.0.113.77"),
        ("ip_address", "2001:db8::ff00:42:8329"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "Write to {}, please.", "请联系{}。", "({})"])
def test_it_is_found_wherever_it_stands(kind, text, around):
    assert found(around.format(text)) == [(kind, text)]


@pytest.mark.parametrize(
    "text",
    [
        "Meet me @noon, or e-mail me.",
        "In 1998 and on 2024-01-31 at 12:30:45",
        "4111 1111 1111 1112",  # the check digit is another
        "0000 0000 0000 0000",
        "DE88 3704 0044 0532 0130 00",
        "110105194912310021",
        "999.999.999.999 and version 1.2.3",
        "localhost is 127.0.0.1 and ::1",
        "std::vector<int> abc::def",
        "10 000 000 people, 123.456.789 of them",
        "π is 3.14159265358979",
        "12345678901",
    ],
)
def test_what_only_looks_a_little_like_it_is_left_alone(text):
    assert found(text) == []


def test_an_account_number_ends_before_words_in_capitals():
    assert found("DE89 3704 0044 0532 0130 00 NOW PLEASE") == [("iban", "DE89 3704 0044 0532 0130 00")]


def test_several_are_told_in_the_order_of_the_text():
    text = "Call 13800138000 or write to a@example.org."

    assert [kind for kind, _ in found(text)] == ["phone", "email"]


def test_each_passage_is_shown_with_what_stands_around_it():
    text = "x" * 50 + " a@example.org " + "y" * 50

    [one] = shown(text, personal_data(text))

    assert (one.before, one.text, one.after) == ("…" + "x" * 29 + " ", "a@example.org", " " + "y" * 29 + "…")
    assert str(one.label) == "e-mail address"


@pytest.mark.parametrize("text", ["1" * 50_000, "a@" * 25_000, "1 " * 25_000, "A1" * 25_000, "a:" * 25_000])
def test_a_long_text_is_looked_through_within_a_second(text):
    begun = time.process_time()
    personal_data(text)

    assert time.process_time() - begun < 1
