"""Saying that one has read the guidelines."""

from labeling.models import GuidelineAcknowledgement, GuidelineVersion, User


def acknowledge_guidelines(*, user: User, version: GuidelineVersion) -> GuidelineAcknowledgement:
    """Record which version a person has read, and when; twice is once, at the first time."""
    return GuidelineAcknowledgement.objects.get_or_create(user=user, version=version)[0]
