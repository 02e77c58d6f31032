"""A connection that is kept between requests is used without asking, and given up when it is gone."""

from contextlib import closing

import psycopg2
import pytest
from django.db import OperationalError, close_old_connections, connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept():
    """The process id of PostgreSQL's end of the connection, as the next request finds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    connection.health_check_enabled, connection.health_check_done = True, False
    yield pid
    connection.health_check_enabled = False


def asked_by_another(question, pid):
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other.cursor() as cursor:
        cursor.execute(question, [pid])
        return cursor.fetchone()[0]


def test_one_that_stands_is_used_without_a_question(kept):
    connection.close_if_health_check_failed()

    assert connection.health_check_done
    newest = asked_by_another("SELECT query FROM pg_stat_activity WHERE pid = %s", kept)
    assert newest == "SELECT pg_backend_pid()"


def test_one_that_the_server_has_ended_is_replaced(kept):
    assert asked_by_another("SELECT pg_terminate_backend(%s, 5000)", kept)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != kept


def test_one_that_is_lost_in_the_middle_of_a_request_is_replaced_after_it(kept):
    connection.close_if_health_check_failed()
    assert asked_by_another("SELECT pg_terminate_backend(%s, 5000)", kept)
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 7")

    close_old_connections()  # as at the end of a request

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != kept
