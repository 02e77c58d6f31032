"""`make backup` and `make restore`: from a site in use into an empty one, in which people rank on."""

import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from config.local_services import packaged_postgres_programs
from tests.sites import BASE_DIR, Site, free_port, wait_for_line
from training.backup import archive
from training.backup.archive import BackupProblem

PASSWORD = "a passphrase for tests"

FILL = f"""
import time
from pathlib import Path
from typing import Any
from django.conf import settings
from labeling import actions
from labeling.models import User
from tests.making import make_ranking_task
from training import actions as training

project = actions.create_project(name="Kept", creator=None)
ada = User.objects.create_user("ada@example.org", "{PASSWORD}", name="Ada")
actions.add_member(project=project, user=ada, role="annotator")
for _ in range(2):
    make_ranking_task(project, ["alpha", "beta", "gamma", "delta"])
assignment = actions.claim_task(user=ada, project=project, kind="rank")
places = [(1, 2), (2, 1), (3, 3), (4, 3)]
actions.submit_ranking(assignment=assignment, places=places, idempotency_key="first")
snapshot = training.take_snapshot(project=project, user=None)
for _ in range(200):
    snapshot.refresh_from_db()
    if snapshot.status == "ready":
        break
    time.sleep(0.1)
assert snapshot.status == "ready", snapshot.status
artifacts = Path(settings.ARTIFACTS_DIR)
weights = ("models/tiny/weights.bin", "models/.next.writing/weights.bin")
for name in ("runs/77/log.txt", "transfers/77/source.csv", *weights):
    (artifacts / name).parent.mkdir(parents=True, exist_ok=True)
    (artifacts / name).write_bytes(b"x" * 9_000_000)
"""

STATE = """
import json
from labeling.models import Project, Ranking, Submission
from training.models import Snapshot, SnapshotMember
s = Snapshot.objects.get()
places = [list(p) for p in Ranking.objects.order_by("pk").values_list("places", flat=True)]
name = Project.objects.get().name
print(json.dumps([name, places, str(s.directory), s.content_hash, SnapshotMember.objects.count()]))
"""


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Not pytest's: sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="preceptor-backup-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def old(directory) -> tuple[Path, list[Any]]:
    """The backup that was made beside a running site with judgments and a snapshot, and what was there."""
    site = Site(directory / "old", free_port())
    process = site.up()
    try:
        wait_for_line(process, "Logs:")
        shell(site, FILL)
        state = json.loads(shell(site, STATE))
        made = site.manage("backup")
        assert made.returncode == 0, made.stdout + made.stderr
        assert re.search(r"preceptor-\d{8}T\d{6}Z\.tar .*: 3 people, 1 projects, 1 submissions", made.stdout)
        # The site went on meanwhile.
        assert process.poll() is None
        [file] = (site.var_dir / "backups").iterdir()
    finally:
        site.kill_everything()
    return file, state


@pytest.fixture
def backup(old) -> Path:
    return old[0]


@pytest.fixture
def before(old) -> list[Any]:
    return old[1]


def shell(site: Site, code: str) -> str:
    done = site.manage("shell", "-v0", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manage_with(database: str, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command against the session's PostgreSQL, which is reached by DATABASE_URL."""
    url = re.sub(r"/[^/?]*\?", f"/{database}?", os.environ["DATABASE_URL"], count=1)
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=os.environ | {"DATABASE_URL": url, "VAR_DIR": str(directory), "ARTIFACTS_DIR": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def empty_database() -> Iterator[str]:
    import psycopg2

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE restored TEMPLATE template0 ENCODING 'UTF8'")
    yield "restored"
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE restored WITH (FORCE)")
    connection.close()


# --- the whole way


@pytest.mark.slow
def test_a_restored_site_lets_people_sign_in_and_rank_on(backup, before, directory):
    new = Site(directory / "new", free_port())

    restored = new.manage("restore", str(backup))

    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "3 people, 1 projects, 1 submissions" in restored.stdout
    assert new.processes() == {}
    process = new.up()
    try:
        wait_for_line(process, "Logs:")
        rank_the_next(f"http://localhost:{new.port}")
        name, places, snapshot, content_hash, members = json.loads(shell(new, STATE))
        again = new.manage("restore", str(backup))
    finally:
        new.kill_everything()
    assert [name, places[:1], content_hash, members] == [*before[:2], *before[3:]]
    assert sorted(places[0]) == [1, 2, 3, 3] and sorted(places[1]) == [1, 2, 3, 4]
    assert Path(snapshot).is_relative_to(new.var_dir)
    manifest = json.loads((Path(snapshot) / "manifest.json").read_text())
    assert manifest["content_hash"] == content_hash
    for file, digest in manifest["files"].items():
        assert hashlib.sha256((Path(snapshot) / file).read_bytes()).hexdigest() == digest
    # What no row of the dump knows, or was half written, has not come along.
    artifacts = new.var_dir / "artifacts"
    assert (artifacts / "models" / "tiny" / "weights.bin").stat().st_size == 9_000_000
    assert [path.name for path in (artifacts / "models").iterdir()] == ["tiny"]
    assert {path.name for path in artifacts.iterdir()} == {"models", "snapshots"}
    assert again.returncode == 1
    assert again.stderr.strip() == (
        f"Preceptor runs from {new.var_dir}: stop it first, or set VAR_DIR to a new one."
    )


def rank_the_next(url: str) -> None:
    """As a browser without JavaScript does it."""
    browser = requests.Session()

    def post(path: str, page: str, **fields: str) -> requests.Response:
        [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        answer = browser.post(url + path, {"csrfmiddlewaretoken": token, **fields}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer

    login = browser.get(f"{url}/accounts/login/", timeout=20).text
    home = post("/accounts/login/", login, login="ada@example.org", password=PASSWORD).text
    [rank] = re.findall(r'action="(/projects/[\w-]+/next/rank/)"', home)
    task = post(rank, home).text
    assert all(text in task for text in ("alpha", "beta", "gamma", "delta"))
    [submit] = re.findall(r'action="(/assignments/[\w-]+/submit/)"', task)
    [key] = re.findall(r'name="idempotency_key" value="([^"]+)"', task)
    places = {f"place-{n}": str(n) for n in range(1, 5)}
    after = post(submit, task, idempotency_key=key, **places).text
    assert "Nothing to rank right now" in after


@pytest.mark.slow
def test_with_a_database_by_url_it_goes_into_an_empty_one_and_never_into_a_full_one(
    backup, before, directory, empty_database
):
    nothing = manage_with(empty_database, directory / "url", "backup")
    assert nothing.returncode == 1
    assert "no tables yet: there is nothing to back up" in nothing.stderr
    # As the containers do it: what has only been migrated counts as empty.
    assert manage_with(empty_database, directory / "url", "migrate").returncode == 0
    restored = manage_with(empty_database, directory / "url", "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    state = manage_with(empty_database, directory / "url", "shell", "-v0", "-c", STATE)
    assert json.loads(state.stdout)[:2] == before[:2]

    into_full = manage_with(empty_database, directory / "url", "restore", str(backup))
    assert into_full.returncode == 1
    assert "This instance is not empty: its table" in into_full.stderr
    assert into_full.stderr.count("\n") == 1

    made = manage_with(empty_database, directory / "url", "backup")
    assert made.returncode == 0, made.stderr
    assert "3 people, 1 projects, 1 submissions" in made.stdout


@pytest.mark.slow
def test_a_damaged_backup_is_refused_before_anything_is_touched(backup, directory, empty_database):
    damaged = directory / "damaged.tar"
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)

    refused = manage_with(empty_database, directory / "damaged", "restore", str(damaged))

    assert refused.returncode == 1
    assert "damaged" in refused.stderr and "Nothing was done" in refused.stderr
    assert not (directory / "damaged" / "artifacts").exists()


@pytest.mark.slow
def test_a_backup_is_its_owner_s_alone_and_names_what_made_it(backup):
    manifest = archive.verified_manifest(backup)

    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]
    assert manifest["preceptor"] == "0.1.0"
    assert manifest["postgresql"].startswith("18.") and manifest["pg_dump"].startswith("18.")
    assert {"labeling", "training"} <= {name.split(".")[0] for name in manifest["migrations"]}
    assert manifest["counts"]["snapshots"] == 1


@pytest.mark.slow
def test_a_backup_of_a_newer_version_is_refused(backup, directory, empty_database):
    newer = directory / "newer.tar"
    with tarfile.open(backup) as old, newer.open("wb") as file:
        new = archive.new_archive(file)
        for entry in old:
            source = old.extractfile(entry)
            assert source is not None
            if entry.name == archive.DUMP:
                new._add(entry.name, source, entry.size)
            elif entry.name == archive.MANIFEST:
                manifest = json.loads(source.read())
        manifest["migrations"].append("labeling.9999_from_the_future")
        del manifest["files"], manifest["format"]
        new.close(manifest)

    refused = manage_with(empty_database, directory / "newer", "restore", str(newer))

    assert refused.returncode == 1
    assert "labeling.9999_from_the_future" in refused.stderr and "update first" in refused.stderr


# --- the file


def written(tmp_path: Path, *names: str) -> Path:
    """A backup of made-up files: the dump, and artifacts of these names."""
    for name in (archive.DUMP, *names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    file = tmp_path / "backup.tar"
    with file.open("wb") as opened:
        new = archive.new_archive(opened)
        for name in (archive.DUMP, *names):
            new.add(tmp_path / name, name)
        new.close({"migrations": []})
    return file


def test_what_was_written_comes_out_the_same(tmp_path):
    file = written(tmp_path, "artifacts/models/ü 世界/model.bin", "artifacts/runs/1/" + "d" * 120 + "/log")

    manifest = archive.verified_manifest(file)
    archive.extract(file, dump=tmp_path / "out" / "dump", artifacts=tmp_path / "out" / "artifacts")

    assert [entry["path"] for entry in manifest["files"]] == [
        "database.dump",
        "artifacts/models/ü 世界/model.bin",
        "artifacts/runs/1/" + "d" * 120 + "/log",
    ]
    assert (tmp_path / "out" / "dump").read_text() == "content of database.dump"
    model = tmp_path / "out" / "artifacts" / "models" / "ü 世界" / "model.bin"
    assert model.read_text() == "content of artifacts/models/ü 世界/model.bin"


def test_one_that_broke_off_is_no_backup(tmp_path):
    file = written(tmp_path, "artifacts/model.bin")
    whole = file.read_bytes()

    for length in (0, 700, 1536, 2048, 2600):
        file.write_bytes(whole[:length])
        with pytest.raises(BackupProblem):
            archive.verified_manifest(file)


@pytest.mark.parametrize(
    "name", ["../outside", "artifacts/../../outside", "/etc/passwd", "artifacts//x", "other"]
)
def test_a_name_that_leads_out_of_the_artifacts_is_refused(tmp_path, name):
    file = tmp_path / "evil.tar"
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo(name)
        tar.addfile(entry, io.BytesIO())

    with pytest.raises(BackupProblem, match="is no backup of Preceptor"):
        archive.verified_manifest(file)


def test_a_link_in_a_backup_is_refused(tmp_path):
    file = tmp_path / "evil.tar"
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo("artifacts/link")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)

    with pytest.raises(BackupProblem):
        archive.verified_manifest(file)


def test_a_file_that_shrinks_while_it_is_read_ends_the_backup(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "WHOLE_AT_ONCE", 0)
    path = tmp_path / "big"
    path.write_bytes(b"x" * 100_000)
    fstat = os.fstat

    def shrink_after(number: int) -> os.stat_result:
        before = fstat(number)
        path.write_bytes(b"x")
        return before

    new = archive.new_archive(io.BytesIO())
    monkeypatch.setattr(archive.os, "fstat", shrink_after)
    with pytest.raises(BackupProblem, match="changed while it was read"):
        new.add(path, "artifacts/big")


def test_the_packaged_pg_dump_is_found():
    programs = packaged_postgres_programs()

    assert programs is not None
    assert {"pg_dump", "pg_restore"} <= {path.name for path in programs.iterdir()}


def test_make_restore_without_a_file_says_what_to_type():
    made = subprocess.run(
        ["make", "restore"],
        cwd=BASE_DIR,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert made.returncode != 0
    assert "make restore BACKUP=" in made.stderr
