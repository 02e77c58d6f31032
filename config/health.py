"""Whether a part of the site is alive: `python -m config.health web | default | gpu | sampling | beat`,
for containers.

Answers with exit code 0 or 1 and a sentence. It asks the part itself, not what the part needs: restarting the
web process does not bring back a database.
"""

import http.client
import os
import socket
import sys
import time
from pathlib import Path

# Beat writes its schedule down every three minutes.
OLDEST_SCHEDULE_SECONDS = 600.0
ANSWER_SECONDS = 8.0


def main(arguments: list[str]) -> None:
    part = arguments[0] if len(arguments) == 1 else ""
    if part == "web":
        alive = site_answers("127.0.0.1", int(os.environ.get("PORT") or 8000))
    elif part in {"default", "gpu", "sampling"}:
        alive = worker_answers(f"{part}@{socket.gethostname()}")
    elif part == "beat":
        alive = beat_writes(Path(os.environ.get("VAR_DIR") or "var") / "run")
    else:
        raise SystemExit("Say whose health: web, default, gpu, sampling or beat.")
    print(f"{part}: {'alive' if alive else 'no answer'}")
    sys.exit(0 if alive else 1)


def site_answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    headers = {"Host": f"localhost:{port}", "X-Forwarded-Proto": "https"}
    try:
        connection.request("GET", "/accounts/login/", headers=headers)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_answers(name: str) -> bool:
    """Ask through the broker; a worker answers also while it is busy."""
    from config import celery_app

    answers = celery_app.control.ping(destination=[name], timeout=ANSWER_SECONDS, limit=1)
    return any(name in answer for answer in answers)


def beat_writes(directory: Path) -> bool:
    written = [file.stat().st_mtime for file in directory.glob("beat-schedule*")]
    return bool(written) and time.time() - max(written) < OLDEST_SCHEDULE_SECONDS


if __name__ == "__main__":
    main(sys.argv[1:])
