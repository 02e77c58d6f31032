#!/usr/bin/env python
"""Django's command line for Preceptor, and `up`, which starts everything."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit("Django is not installed here: run `make install` first.") from error
    if sys.argv[1:2] == ["up"]:
        # Not a Django command: it makes the addresses without which the settings cannot be read.
        from config.up import main as up

        up(sys.argv[2:])
    else:
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
