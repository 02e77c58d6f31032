"""What a claim and its submission cost: the queries of each, whatever there is in the project."""

from tests.api import api_for
from tests.making import make_ranking_task


def test_a_claim_and_its_submission_ask_the_database_rarely(
    project, annotator, django_assert_max_num_queries
):
    api = api_for(annotator, "label")
    type(project).objects.update(gold_share=0)  # a claim that draws a known answer first asks once more
    for _ in range(4):
        make_ranking_task(project)
    claims = f"projects/{project.public_id}/assignments/"
    first = api.post(
        claims, {"kind": "rank"}
    ).data  # and records the use of the token, and prepares what is asked
    api.post(f"assignments/{first['id']}/submit/", {"places": [1, 2, 3, 4]})

    with django_assert_max_num_queries(6):
        second = api.post(claims, {"kind": "rank"})
    with django_assert_max_num_queries(3):
        sent = api.post(f"assignments/{second.data['id']}/submit/", {"places": [1, 2, 3, 4]})
    third = api.post(claims, {"kind": "rank"})
    with django_assert_max_num_queries(7):
        both = api.post(f"assignments/{third.data['id']}/submit/", {"places": [1, 2, 3, 4], "next": True})

    assert (second.status_code, sent.status_code) == (200, 201)
    assert both.data["next"] is not None
