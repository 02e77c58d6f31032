"""Tasks are opened through the real broker and worker."""

import time

import pytest

from labeling import actions
from labeling.models import Task
from labeling.selections import Selection
from tests.making import make_prompt

pytestmark = pytest.mark.slow


def test_a_worker_opens_what_was_asked_for(workers, project, manager):
    for _ in range(3):
        make_prompt(project)
    workers.start("default")

    opening = actions.start_opening(project=project, actor=manager, selection=Selection(kind="demonstrate"))

    deadline = time.monotonic() + 60
    while not opening.is_over:
        assert time.monotonic() < deadline, workers.log("default")[-4000:]
        time.sleep(0.05)
        opening.refresh_from_db()
    assert (opening.status, opening.counts["opened"], Task.objects.count()) == ("succeeded", 3, 3)
