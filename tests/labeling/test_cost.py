"""What people's time costs."""

from decimal import Decimal

from labeling.cost import Cost, cost_of
from labeling.models import Project


def project_with(rate, currency="EUR"):
    project = Project(name="x")
    project.hourly_rate, project.currency = rate, currency
    return project


def test_time_at_the_hourly_rate_in_all_and_per_judgment():
    found = cost_of(project_with(Decimal("18.50")), seconds=9000, judgments=7)

    assert found == Cost(Decimal("46.25"), Decimal("6.61"), "EUR")


def test_without_judgments_there_is_no_cost_of_one():
    assert cost_of(project_with(Decimal(20)), seconds=0, judgments=0) == Cost(Decimal("0.00"), None, "EUR")


def test_without_a_rate_there_is_no_cost():
    assert cost_of(project_with(None), seconds=9000, judgments=7) is None
