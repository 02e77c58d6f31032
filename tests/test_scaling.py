"""The arithmetic of benchmarks.scaling."""

import pytest

from benchmarks.scaling import slope, sweeps
from benchmarks.scaling_point import STAGES, Point


def test_the_slope_is_the_exponent_of_a_power():
    assert slope([1.0, 2.0, 8.0], [3.0, 12.0, 192.0]) == pytest.approx(2.0)
    assert slope([1.0, 2.0, 4.0], [5.0, 5.0, 5.0]) == pytest.approx(0.0)
    assert slope([1.0, 2.0], [1.0, 0.0]) is None


@pytest.mark.parametrize("quick", [True, False])
def test_each_stage_is_swept_over_models_and_batches_along_one_axis_at_a_time(quick):
    named = {sweep.name: sweep for sweep in sweeps(quick=quick)}

    for stage in STAGES:
        assert {f"{stage}, model", f"{stage}, batch"} <= named.keys()
    for sweep in named.values():
        values = sweep.along()
        assert len(values) >= 2
        assert values == sorted(set(values)) or sweep.axis == "gradient_checkpointing"
        assert {point.stage for point in sweep.points} == {sweep.name.partition(",")[0]}


def test_the_count_of_parameters_is_that_of_the_model(tmp_path):
    from transformers import AutoModelForCausalLM

    from benchmarks.scaling_point import write_policy

    point = Point("sft", layers=2, width=64, vocabulary=300)
    write_policy(point, tmp_path)

    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    norms = (2 * point.layers + 1) * point.width
    assert sum(parameter.numel() for parameter in model.parameters()) == point.parameters + norms
