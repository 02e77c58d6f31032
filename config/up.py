"""`manage.py up`: everything Preceptor needs on one machine, started, watched and stopped.

`manage.py up COMMAND …` starts services and workers only, runs one command of manage.py with them, and stops.
Runs before Django's settings can be read, because it makes what they need: addresses and the secret key.
"""

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from config import environment, programs
from config.environment import BASE_DIR, EnvironmentProblem
from config.health import site_answers
from config.local_services import (
    LocalServiceProblem,
    Postgres,
    Valkey,
    check_socket_paths,
    directories_environment,
    make_directories,
)
from config.processes import Process, ProcessFailed
from config.supervisor import StopRequested, Supervisor

WILDCARD_HOSTS = {"0.0.0.0", "::"}  # noqa: S104 - recognised, not bound by default
ANSWER_SECONDS = 90.0
# Commands that want the database to themselves.
ONLY_SERVICES = (["backup"], ["restore"])


def main(arguments: list[str]) -> None:
    if arguments and arguments[0].startswith("-"):
        raise SystemExit("manage.py up has no options: HOST, PORT and VAR_DIR are in .env.example.")
    environment.load_settings_file()
    var_dir = environment.path("VAR_DIR", BASE_DIR / "var")
    host, port = environment.text("HOST", "127.0.0.1"), environment.whole_number("PORT", 8000)
    os.umask(0o077)
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        lock = hold_lock(var_dir)
        if not arguments:
            check_address(host, port)
        check_services(var_dir)
        make_directories(var_dir)
    except OSError as error:
        raise EnvironmentProblem(f"{error.filename or var_dir}: {error.strerror}.") from error
    try:
        succeeded = Up(var_dir, host, port, arguments).run()
    finally:
        lock.close()
    sys.exit(0 if succeeded else 1)


def hold_lock(var_dir: Path) -> IO[str]:
    """One `up` per directory. Commands glance at the lock for an instant, so try for a second."""
    lock = (var_dir / "up.lock").open("a+")
    for _attempt in range(10):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
        else:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            return lock
    lock.seek(0)
    raise EnvironmentProblem(
        f"Preceptor already runs from {var_dir} (process {lock.read()}): "
        "stop it first, or set VAR_DIR and PORT to others."
    )


def check_address(host: str, port: int) -> None:
    try:
        family, *_rest, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, OverflowError) as error:
        raise EnvironmentProblem(f"HOST={host} PORT={port} is no address of this machine.") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError as error:
            raise EnvironmentProblem(f"Port {port} needs more rights: choose one above 1023.") from error
        except OSError as error:
            raise EnvironmentProblem(
                f"Port {port} on {host} cannot be used ({error.strerror}): choose another by PORT."
            ) from error


def check_services(var_dir: Path) -> None:
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    try:
        check_socket_paths(var_dir)
    except LocalServiceProblem as problem:
        raise EnvironmentProblem(str(problem)) from problem


class Up:
    """One run of the whole site on this machine."""

    def __init__(self, var_dir: Path, host: str, port: int, command: list[str]) -> None:
        self.var_dir = var_dir
        self.host = host
        self.port = port
        self.command = command
        self.services_file = var_dir / "services.env"
        self.passwords_file = environment.path(
            "PRECEPTOR_PASSWORDS_FILE", var_dir / "secrets" / "accounts.txt"
        )
        shown_host = "localhost" if host in WILDCARD_HOSTS | {"127.0.0.1", "::1"} else host
        self.site_url = environment.text("SITE_URL", f"http://{shown_host}:{port}")
        self.supervisor = Supervisor(say)

    def run(self) -> bool:
        """False when something failed; being asked to stop is no failure."""
        started_at = time.monotonic()
        self.supervisor.listen_to_signals()
        succeeded = True
        try:
            self.make_environment()
            self.start_services()
            if self.command[:1] not in ONLY_SERVICES:
                self.prepare()
                self.start_workers()
            if self.command:
                succeeded = self.run_in_foreground()
            else:
                self.start_web()
                self.wait_until_the_site_answers()
                self.announce(time.monotonic() - started_at)
                self.supervisor.watch()
        except StopRequested:
            say("Stopping: web and beat, then the workers (up to 30 s), then the services.")
        except (LocalServiceProblem, ProcessFailed, OSError) as problem:
            # Ctrl-C also reaches what still runs in our own session, and looks like a failure there.
            succeeded = self.supervisor.was_asked_to_stop
            say("Stopping." if succeeded else f"{problem}\nStopping everything.")
        finally:
            self.stop()
        return succeeded

    def stop(self) -> None:
        self.services_file.unlink(missing_ok=True)
        self.supervisor.stop()
        say(f"Stopped. Everything is kept in {self.var_dir}")

    # --- start

    def make_environment(self) -> None:
        shutil.rmtree(self.var_dir / "tmp", ignore_errors=True)
        make_directories(self.var_dir)
        os.environ.update(directories_environment(self.var_dir))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ.update(
            VAR_DIR=str(self.var_dir),
            HOST=self.host,
            PORT=str(self.port),
            SITE_URL=self.site_url,
            SECRET_KEY=os.environ.get("SECRET_KEY") or kept_secret(self.var_dir / "secrets" / "secret-key"),
            PRECEPTOR_PASSWORDS_FILE=str(self.passwords_file),
            PYTHONUNBUFFERED="1",
        )

    def start_services(self) -> None:
        """The private ones, for those that no address was given for."""
        if not os.environ.get("DATABASE_URL"):
            self.start_service(Postgres(self.var_dir, os.environ), "DATABASE_URL")
        if not os.environ.get("REDIS_URL"):
            self.start_service(Valkey(self.var_dir, os.environ), "REDIS_URL")
        names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SITE_URL", "ARTIFACTS_DIR")
        lines = [f"{name}={os.environ[name]}\n" for name in names if os.environ.get(name)]
        write_private(self.services_file, "".join(lines))

    def start_service(self, service: Postgres | Valkey, variable: str) -> None:
        process = service.prepare()
        self.start_group(process)
        service.wait_until_ready(process, self.supervisor.give_up_if_asked)
        os.environ[variable] = service.url

    def prepare(self) -> None:
        """Bring the database and the static files up to this version; fill an empty database."""
        static = self.program("collectstatic", programs.collectstatic())
        static.start()
        try:
            self.run_command("migrate", programs.migrate())
            if not self.command and environment.flag("PRECEPTOR_STARTER", True):
                self.run_command("load_starter", programs.manage("load_starter"))
            self.finish(static)
        finally:
            static.stop()

    def start_workers(self) -> None:
        self.start_group(
            self.program("default worker", programs.default_worker()),
            self.program("gpu worker", programs.gpu_worker()),
            self.program("sampling worker", programs.sampling_worker()),
        )
        beat = programs.beat(schedule=self.var_dir / "run" / "beat-schedule")
        self.start_group(self.program("beat", beat, grace_seconds=12))

    def start_web(self) -> None:
        bind = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        web = programs.web(bind=bind, workers=min(4, cores()))
        self.start_group(self.program("web", web, grace_seconds=12))

    def wait_until_the_site_answers(self) -> None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        deadline = time.monotonic() + ANSWER_SECONDS
        while not site_answers(host, self.port):
            self.supervisor.check_once()
            if time.monotonic() > deadline:
                raise ProcessFailed(
                    f"The site did not answer within {ANSWER_SECONDS:.0f} s; see {self.var_dir / 'log'}."
                )
            time.sleep(0.1)

    def announce(self, seconds: float) -> None:
        say(f"\nPreceptor answers at {self.site_url} (after {seconds:.1f} s).\n")
        accounts = read_accounts(self.passwords_file)
        if accounts:
            say("Sign in as")
            for role, email in accounts:
                say(f"  {role:<10} {email}")
            say(f"with the passwords in {self.passwords_file}\n")
        if self.host in WILDCARD_HOSTS and self.site_url == f"http://localhost:{self.port}":
            say("HOST opens the port to the network; set SITE_URL to the address people will type.")
        say(f"Logs: {self.var_dir / 'log'}    Stop: Ctrl-C")

    # --- processes

    def program(self, name: str, command: list[str], *, grace_seconds: float = 30) -> Process:
        log = self.var_dir / "log" / f"{name.replace(' ', '-')}.log"
        return Process(
            name, command, log=log, cwd=BASE_DIR, environment=os.environ, grace_seconds=grace_seconds
        )

    def start_group(self, *processes: Process) -> None:
        """Known to the supervisor before they run: should one not start, the others are stopped."""
        self.supervisor.add_group(processes)
        for process in processes:
            process.start()

    def run_in_foreground(self) -> bool:
        """The command, its output on the terminal; a session of its own, so that Ctrl-C is ours to handle."""
        child = subprocess.Popen(programs.manage(*self.command), cwd=BASE_DIR, start_new_session=True)
        try:
            while child.poll() is None:
                self.supervisor.check_once()
                time.sleep(0.2)
        finally:
            child.terminate()
            child.wait()
        return child.returncode == 0

    def run_command(self, name: str, command: list[str]) -> None:
        process = self.program(name, command)
        process.start()
        try:
            self.finish(process)
        finally:
            process.stop()

    def finish(self, process: Process) -> None:
        """Wait for a command to end well."""
        while process.is_running:
            self.supervisor.give_up_if_asked()
            time.sleep(0.05)
        if process.exit_code != 0:
            raise ProcessFailed(
                f"manage.py {process.name} failed; the end of {process.log}:\n{process.log_tail()}"
            )


def cores() -> int:
    """That this process may use, where the system tells; else all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def say(sentence: str) -> None:
    print(sentence, flush=True)


def kept_secret(path: Path) -> str:
    """The secret key of this installation: random, made once."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(50))
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Only the owner may read it, from its first byte on; a half-written one is never seen."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def read_accounts(path: Path) -> list[tuple[str, str]]:
    """Role and e-mail address of each line `e-mail password`; the passwords stay in the file."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    emails = [word for line in lines for word in line.split()[:2] if "@" in word]
    return [(email.partition("@")[0], email) for email in emails]
