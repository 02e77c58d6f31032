"""python -m benchmarks.ours.page_tasks TASKS OUTPUTS EMAIL PASSWORD: a project with ranking tasks, beside a
running site; prints the address of the task that the annotator has first."""

from __future__ import annotations

import json
import os
import sys

import django


def main(tasks: int, outputs: int, email: str, password: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.urls import reverse

    from benchmarks.page_texts import tasks as texts_of
    from labeling import actions
    from labeling.models import Completion, Membership, User

    annotator = User.objects.filter(email=email).first() or actions.add_person(
        email=email, name="Ada", password=password
    )
    project = actions.create_project(name=f"{outputs} outputs", creator=None, completions_per_prompt=outputs)
    actions.add_member(project=project, user=annotator, role=Membership.Role.ANNOTATOR)
    actions.publish_guidelines(project=project, language="en", body="Be helpful and true.", author=None)
    for texts in texts_of(tasks, outputs):
        prompt = actions.add_prompt(
            project=project, messages=[{"role": "user", "content": texts.prompt}], author=annotator
        )
        completions = [
            actions.add_completion(prompt=prompt, text=text, origin=Completion.Origin.POLICY)
            for text in texts.outputs
        ]
        actions.open_ranking_task(prompt=prompt, completions=completions)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    assert assignment is not None
    print(json.dumps({"assignment": reverse("assignment", args=[assignment.public_id])}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
