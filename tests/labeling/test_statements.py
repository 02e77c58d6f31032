"""What is asked with every task: in few ways there and back, with plans that fit tables which grow."""

import pytest
from django.db import IntegrityError, connection

from labeling.statements import PLANNED_AGAIN_FROM, Statement

pytestmark = pytest.mark.django_db(transaction=True)

ADD = Statement("INSERT INTO grown SELECT n FROM generate_series(%(first)s::int, %(last)s::int) AS n")
FIND = Statement("SELECT n FROM grown WHERE n = %(n)s")


@pytest.fixture
def grown():
    """An empty table whose emptiness PostgreSQL knows."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE grown (n int PRIMARY KEY) WITH (autovacuum_enabled = false)")
        cursor.execute("VACUUM ANALYZE grown")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE grown")


def plan_of(asking):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asking.statement.call}", asking.values)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_what_is_asked_before_is_done_first_and_goes_along(grown, django_assert_num_queries):
    assert FIND.rows(ADD.asking(first=1, last=3), n=2) == [(2,)]

    with django_assert_num_queries(1):
        assert FIND.rows(ADD.asking(first=4, last=5), ADD.asking(first=6, last=6), n=6) == [(6,)]


def test_of_what_goes_along_nothing_stays_when_the_last_is_refused(grown):
    ADD.count(first=1, last=1)

    with pytest.raises(IntegrityError, match="grown_pkey"):
        ADD.rows(ADD.asking(first=7, last=9), first=1, last=1)

    assert FIND.rows(n=1) == [(1,)]
    assert FIND.rows(n=7) == []


def test_a_plan_for_an_empty_table_is_not_kept_when_it_grows(grown):
    connection.close()  # on a session that nobody has asked anything
    FIND.rows(n=1)
    ADD.count(first=1, last=20_000)
    assert "Seq Scan" in plan_of(FIND.asking(n=1))

    for _ in range(PLANNED_AGAIN_FROM):
        FIND.rows(n=1)

    assert "Index" in plan_of(FIND.asking(n=1))
