"""Two managers who take the role from each other at the same moment: one of them keeps it."""

import threading

import pytest
from django.db import connection

from labeling import actions
from labeling.errors import Conflict
from labeling.models import Membership


@pytest.mark.django_db(transaction=True)
def test_of_two_managers_who_remove_each_other_one_stays(project, manager, person):
    second = person("Max", "manager", project=project)
    barrier = threading.Barrier(2)
    refusals = []

    def remove(other):
        barrier.wait()
        try:
            actions.give_roles(project=project, user=other, roles=["annotator"])
        except Conflict as refused:
            refusals.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(other,)) for other in (manager, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refusals == ["last_manager"]
    assert Membership.objects.filter(project=project, role="manager").count() == 1
