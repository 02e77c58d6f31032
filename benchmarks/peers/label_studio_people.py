"""COUNT: annotators in Label Studio's database, with tokens that its API takes; prints these as JSON.

Run by Label Studio's own Python: it has no page or command that would make them.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

package = importlib.util.find_spec("label_studio")
assert package and package.origin
sys.path.insert(0, str(Path(package.origin).parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"

import django  # noqa: E402

django.setup()

from organizations.models import Organization  # type: ignore[import-not-found] # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from users.models import User  # type: ignore[import-not-found] # noqa: E402

organization = Organization.objects.first()
organization.jwt.legacy_api_tokens_enabled = True
organization.jwt.save()
tokens = []
for number in range(int(sys.argv[1])):
    user = User.objects.create(email=f"annotator{number}@example.org", username=f"annotator{number}")
    user.active_organization = organization
    user.save()
    organization.add_user(user)
    tokens.append(Token.objects.get_or_create(user=user)[0].key)
print(json.dumps(tokens))
