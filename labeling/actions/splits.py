"""Which split a prompt is in: that of its author, so that no author is in two."""

import hashlib

from labeling.models import Project, Prompt, User

# Of authors who are new to the project: this share trains, the rest is halved into valid and test.
TRAIN_SHARE = 0.8


def split_of(project: Project, identity: str) -> str:
    """The split of an author, or of a prompt without one: always the same, by a hash."""
    digest = hashlib.sha256(f"{project.public_id}:{identity}".encode()).digest()
    drawn = int.from_bytes(digest[:8], "big") / 2**64
    if drawn < TRAIN_SHARE:
        return str(Prompt.Split.TRAIN)
    return str(Prompt.Split.VALID if drawn < (1 + TRAIN_SHARE) / 2 else Prompt.Split.TEST)


def split_of_author(project: Project, author: User) -> str:
    """The split that this person's prompts are in already, else the one their account falls into."""
    settled = project.prompts.filter(author=author).values_list("split", flat=True).first()
    return settled or split_of(project, str(author.public_id))
