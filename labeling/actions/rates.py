"""What people are paid with."""

import datetime
import re
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.days import check_day, today_in
from labeling.errors import DomainError
from labeling.models import Project, Rate, User
from labeling.timesheet_queries import Pay, RateBook

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
    before = RateBook(project).rate_of(user.pk if user else None, valid_from)
    rate = Rate.objects.create(
        project=project, user=user, amount=amount, currency=code, valid_from=valid_from, author=author
    )
    data = {
        "person": user.email if user else "",
        "rate": audit.change(_in_words(before), _in_words(Pay(amount, code))),
        "valid_from": valid_from,
    }
    audit.record("rate_set", actor=author, project=project, subject=user, data=data)
    return rate


@transaction.atomic
def set_paid_by(*, project: Project, paid_by: str, actor: User | None) -> None:
    """Say what rates are for: hours at work, or accepted tasks. Closed periods keep what they had."""
    if paid_by not in Project.PaidBy.values:
        raise DomainError("bad_pay", _("Choose by the hour or by the accepted task; nothing was changed."))
    before = Project.objects.select_for_update(no_key=True).get(pk=project.pk).paid_by
    Project.objects.filter(pk=project.pk).update(paid_by=paid_by)
    if before != paid_by:
        data = {"paid_by": audit.change(before, paid_by)}
        audit.record("pay_basis_set", actor=actor, project=project, subject=project, data=data)


@transaction.atomic
def copy_pay(*, source: Project, project: Project, author: User) -> None:
    """Pay as another project does from today on: what rates are for, and the rates of all that work in both.

    A rate of one person comes along where that person is a member already. Earlier rates stay behind, since
    nothing was done here when they held.
    """
    set_paid_by(project=project, paid_by=source.paid_by, actor=author)
    members = set(project.memberships.values_list("user", flat=True))
    today = today_in(project).date
    kept: dict[tuple[int | None, datetime.date], Rate] = {}
    for rate in source.rates.select_related("user").order_by("valid_from", "pk"):
        if rate.user_id is None or rate.user_id in members:
            kept[rate.user_id, max(rate.valid_from, today)] = rate  # of those in force today, the last one
    for (_user, day), rate in kept.items():
        set_rate(
            project=project,
            user=rate.user,
            amount=rate.amount,
            currency=rate.currency,
            valid_from=day,
            author=author,
        )


def _in_words(pay: Pay) -> str:
    return f"{pay.amount.normalize():f} {pay.currency}" if pay.amount is not None else ""
