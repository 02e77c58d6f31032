"""Two processes asked in turn, and what is said where something is missing."""

import sys
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.environments import Environment, Pairing, Side, alternate, require_set_up, spread


@pytest.fixture(autouse=True)
def _directory(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "DIRECTORY", tmp_path)
    monkeypatch.setattr(environments, "SMOLLM2", tmp_path / "smollm2")


def echo(name):
    return Side("tests.benchmarks.echo", {"name": name}, python=Path(sys.executable), threads=1)


def test_both_sides_answer_every_round():
    with echo("ours") as ours, echo("theirs") as theirs:
        pairing = alternate(ours, theirs, rounds=3, do="update")

    assert [answer["name"] for answer in pairing.ours + pairing.theirs] == ["ours"] * 3 + ["theirs"] * 3
    assert all(answer["do"] == "update" and answer["seconds"] >= 0 for answer in pairing.theirs)


def test_a_side_that_dies_ends_the_benchmark_with_its_last_words():
    with echo("ours") as side, pytest.raises(SystemExit, match="the last words"):
        side.ask(do="die")


def test_a_ratio_is_taken_round_by_round():
    pairing = Pairing([{"s": 1.0}, {"s": 4.0}, {"s": 9.0}], [{"s": 2.0}, {"s": 2.0}, {"s": 1.0}])

    assert pairing.ratio(lambda answer: answer["s"]) == {"min": 0.5, "median": 2.0, "max": 9.0}
    assert spread([3.0, 1.0]) == {"min": 1.0, "median": 2.0, "max": 3.0}


def test_what_is_not_set_up_is_told_in_one_line(tmp_path):
    peer = Environment("peer-1.0", ("peer==1.0",))

    with pytest.raises(SystemExit) as exit_:
        require_set_up("benchmarks.some", peer)

    assert exit_.value.code == "not set up (peer-1.0, smollm2): type python -m benchmarks.some --setup first"


def test_an_environment_made_from_other_requirements_is_not_the_one_wanted(tmp_path):
    peer = Environment("peer-1.0", ("peer==1.0",))
    peer.directory.mkdir()
    (peer.directory / "installed").write_text(f"{environments.TORCH}\npeer==0.9")

    assert not peer.is_set_up
    (peer.directory / "installed").write_text(f"{environments.TORCH}\npeer==1.0")
    assert peer.is_set_up
