"""What people are paid with."""

import datetime
import re
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.days import check_day
from labeling.errors import DomainError
from labeling.models import Project, Rate, User

CURRENCY = re.compile(r"[A-Z]{3}")
HIGHEST = Decimal(10) ** 8


@transaction.atomic
def set_rate(
    *,
    project: Project,
    user: User | None,
    amount: Decimal,
    currency: str,
    valid_from: datetime.date,
    author: User,
) -> Rate:
    """What this person's hour or accepted task is paid with from a day on; user None: that of all others.

    An earlier one holds until then, and a later one from then on; said twice of a day, the newest holds.
    Closed periods keep what they were paid by. Refuses a negative amount, and a currency that is no code.
    """
    check_day("valid_from", valid_from)
    code = currency.strip().upper()
    if not CURRENCY.fullmatch(code):
        message = _("Write the currency's code of three letters, such as EUR, USD or CNY.")
        raise DomainError("bad_currency", message, {"currency": message})
    if not 0 <= amount < HIGHEST or amount != amount.quantize(Decimal("0.0001")):
        message = _("A rate is not negative and has four decimals at most.")
        raise DomainError("bad_rate", message, {"amount": message})
    return Rate.objects.create(
        project=project, user=user, amount=amount, currency=code, valid_from=valid_from, author=author
    )


def set_paid_by(*, project: Project, paid_by: str) -> None:
    """Say what rates are for: hours at work, or accepted tasks. Closed periods keep what they had."""
    if paid_by not in Project.PaidBy.values:
        raise DomainError("bad_pay", _("Choose by the hour or by the accepted task; nothing was changed."))
    Project.objects.filter(pk=project.pk).update(paid_by=paid_by)
