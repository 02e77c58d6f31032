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
    elif sys.argv[1:2] in (["backup"], ["restore"]):
        from config.backup import main as with_its_database

        with_its_database(sys.argv[1:])
    else:
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
