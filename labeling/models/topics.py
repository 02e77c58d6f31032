"""What a text may be about that nobody is shown who has not said yes to it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Topic(models.TextChoices):
    """A text with any of them is sensitive (after InstructGPT's flags, Table 3). Arrays keep this order."""

    SEXUAL = "sexual", _("sexual content")
    VIOLENCE = "violence", _("violence and terrorism")
    SELF_HARM = "self_harm", _("suicide and self-harm")
    ABUSE = "abuse", _("abuse")
    HATE = "hate", _("hatred of groups")
    HARMFUL_ADVICE = "harmful_advice", _("harmful advice")
