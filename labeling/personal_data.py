"""Passages of a text that look like personal data: by patterns and check digits, not by understanding.

So a name or an address is not found, and a number may be one by chance: whoever wrote it decides.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

AROUND = 30  # characters shown on each side


@dataclass(frozen=True)
class Passage:
    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class PassageShown:
    """A passage with what stands around it."""

    label: str | Promise
    before: str
    text: str
    after: str


Finder = Callable[[str], Iterator[Passage]]

LABELS = {
    "email": _("e-mail address"),
    "iban": _("bank account"),
    "chinese_id": _("Chinese identity number"),
    "card": _("card number"),
    "ip_address": _("IP address"),
    "phone": _("phone number"),
}
EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.[a-z]{2,24}\b", re.A | re.I
)
IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z0-9]){11,30}", re.A)
CHINESE_ID = re.compile(r"(?<!\w)\d{17}[\dXx](?!\w)", re.A)
CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w)", re.A)
IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)", re.A)
IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.A | re.I)
PHONE = re.compile(
    r"(?<![\w+])(?<!\d[ -])(?:"
    r"\+\d{1,3}(?:[ .()/-]{0,2}\d){6,13}"  # +49 30 1234567
    r"|(?:86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"  # a Chinese mobile
    r"|\(\d{2,5}\) ?\d{3,4}[ .-]?\d{3,4}"  # (030) 1234 5678
    r"|\d{3}([.-])\d{3}\1\d{4}"  # 555-123-4567
    r"|0{1,2}[1-9]\d{0,3}[ /-]\d{3,4}[ -]?\d{3,5}"  # 030 12345678
    r")(?![ -]?\d|\w)",
    re.A,
)


def personal_data(text: str) -> list[Passage]:
    """What was found, in the order of the text; of passages that overlap, the surer one."""
    found: list[Passage] = []
    for finder in (_emails, _ibans, _chinese_ids, _cards, _ip_addresses, _phones):
        for passage in finder(text):
            if all(passage.end <= other.start or other.end <= passage.start for other in found):
                found.append(passage)
    return sorted(found, key=lambda passage: passage.start)


def shown(text: str, passages: list[Passage]) -> list[PassageShown]:
    return [
        PassageShown(
            LABELS[one.kind],
            ("…" if one.start > AROUND else "") + text[max(0, one.start - AROUND) : one.start],
            text[one.start : one.end],
            text[one.end : one.end + AROUND] + ("…" if one.end + AROUND < len(text) else ""),
        )
        for one in passages
    ]


def _matches(
    pattern: re.Pattern[str], kind: str, holds: Callable[[str], bool]
) -> Callable[[str], Iterator[Passage]]:
    def find(text: str) -> Iterator[Passage]:
        return (
            Passage(kind, match.start(), match.end()) for match in pattern.finditer(text) if holds(match[0])
        )

    return find


def _is_card(number: str) -> bool:
    """The check digit of ISO/IEC 7812 (Luhn); a digit repeated throughout is a placeholder."""
    digits = [int(character) for character in reversed(number) if character.isdigit()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(set(digits)) > 1 and (sum(digits[::2]) + doubled) % 10 == 0


def _is_chinese_id(number: str) -> bool:
    """Birthday and check digit of GB 11643."""
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()


def _is_ip_address(text: str) -> bool:
    """Any address but the machine's own; of the sixth version one that is no accident of two colons."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and sum(bool(group) for group in text.split(":")) < 3:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _ibans(text: str) -> Iterator[Passage]:
    """ISO 13616: the number modulo 97 is 1. Words in capitals may follow it, so its end is tried."""
    for match in IBAN.finditer(text):
        for end in range(match.end(), match.start() + 14, -1):
            is_end = not text[end : end + 1].isalnum() and text[end - 1] != " "
            if is_end and _is_iban(text[match.start() : end].replace(" ", "")):
                yield Passage("iban", match.start(), end)
                break


def _is_iban(number: str) -> bool:
    return int("".join(str(int(character, 36)) for character in number[4:] + number[:4])) % 97 == 1


_emails = _matches(EMAIL, "email", lambda _text: True)
_chinese_ids = _matches(CHINESE_ID, "chinese_id", _is_chinese_id)
_cards = _matches(CARD, "card", _is_card)
_phones = _matches(PHONE, "phone", lambda _text: True)


def _ip_addresses(text: str) -> Iterator[Passage]:
    for pattern in (IPV4, IPV6):
        yield from _matches(pattern, "ip_address", _is_ip_address)(text)
