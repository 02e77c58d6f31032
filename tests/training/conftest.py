"""A tiny model and reward model, made once a session, and the project's registry around them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training.engine import records

BASE_DIR = Path(__file__).resolve().parent.parent.parent
USER = records.Message("user", "Say something.")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random language model of two layers; made in another process, so that this one never loads torch."""
    directory = tmp_path_factory.mktemp("models") / "tiny"
    make = "import sys, pathlib, training.engine.tiny as t; t.make_tiny_model(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", make, str(directory)], cwd=BASE_DIR, check=True)
    return directory


@pytest.fixture(scope="session")
def tiny_reward_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the engine makes of the tiny model and four rankings."""
    run = tmp_path_factory.mktemp("run")
    (run / "snapshot").mkdir()
    rankings = [
        records.Ranking(str(n), str(n), (USER,), ("a fine text", "x"), (1, 2), split, "someone", "person")
        for n, split in enumerate(["train", "train", "train", "valid"])
    ]
    records.write_records(run / "snapshot" / "rankings.parquet", rankings)
    config = {"kind": "reward_model", "policy": str(tiny_model), "seed": 0, "layers": 1, "dtype": "float32"}
    (run / "config.json").write_text(json.dumps(config))
    subprocess.run([sys.executable, "-m", "training.engine", "run", str(run)], cwd=BASE_DIR, check=True)
    return run / "model"


@pytest.fixture
def policy(project: Any, tiny_model: Path) -> Any:
    """Policy v0 of the project, promoted."""
    from tests.training.making import make_promoted
    from training import actions
    from training.models import ModelVersion

    version = actions.register_model(project=project, kind=ModelVersion.Kind.POLICY, directory=tiny_model)
    return make_promoted(version)


@pytest.fixture
def reward_model(project: Any, tiny_reward_model: Path) -> Any:
    from training import actions
    from training.models import ModelVersion

    return actions.register_model(
        project=project, kind=ModelVersion.Kind.REWARD_MODEL, directory=tiny_reward_model
    )
