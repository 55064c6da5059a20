"""The readers of layouts that other tests use, against the runtimes' own values."""

import pytest

import numpy as np

from conftest import ROOT
from containers import read_safetensors
from layouts import read_model

GOLDENS = sorted((ROOT / "Tests/Goldens/layouts").iterdir())


@pytest.mark.parametrize("folder", GOLDENS, ids=lambda path: path.name)
def test_values_are_the_runtimes(folder):
    values = read_model(folder)
    expected = read_safetensors(folder / "values.safetensors")[0]
    assert set(values) == set(expected) | {"norm.weight"}
    for name, (_, array) in expected.items():
        assert values[name].shape == array.shape, name
        # Some runtimes compute with the model's type, or with bf16, and round once more.
        np.testing.assert_allclose(values[name], array, rtol=2**-8, atol=1e-5, err_msg=name)
