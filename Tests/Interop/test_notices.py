"""What the user must know is said, and `--strict` makes it an error."""

import json

import numpy as np
import pytest

from conftest import read_gguf, values
from containers import safetensors_bytes


def write(path, array):
    good = np.random.default_rng(4).standard_normal((4, 64), np.float32)
    path.write_bytes(safetensors_bytes({
        "good.weight": ("F32", good), "odd.weight": ("F32", array)}))
    return path


def said(text, *words):
    """Whether one line has all of the words."""
    return any(all(word in line for word in words) for line in text.splitlines())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
def test_not_finite(value, kerf, outputs, tmp_path):
    array = np.random.default_rng(5).standard_normal((4, 64), np.float32)
    array[2, 40] = value
    source = write(tmp_path / "a.safetensors", array)
    target = outputs / "x.gguf"
    result = kerf("convert", source, target, "--to", "q8_0")
    assert said(result.out, "odd.weight", "NaN or infinite"), result
    restored = values(read_gguf(target)["odd.weight"])
    assert np.all(np.isfinite(restored))
    others = np.isfinite(array)
    assert np.max(np.abs(restored[others] - array[others])) < 0.02

    target.unlink()
    report = json.loads(kerf("convert", source, target, "--to", "q8_0", "--json").out)
    row = next(row for row in report["tensors"] if row["name"] == "odd.weight")
    assert row["non_finite"] == 1
    assert row["mse"] is not None and np.isfinite(row["mse"])

    target.unlink()
    result = kerf("convert", source, target, "--to", "q8_0", "--strict", status=2)
    assert "odd.weight" in result.err, result
    assert list(outputs.iterdir()) == []


def test_fallback(kerf, outputs, tmp_path):
    array = np.random.default_rng(6).standard_normal((4, 40), np.float32)
    source = write(tmp_path / "a.safetensors", array)
    target = outputs / "x.gguf"
    result = kerf("convert", source, target, "--to", "q4_0")
    assert said(result.out, "odd.weight", "rows of 40"), result
    target.unlink()
    result = kerf("convert", source, target, "--to", "q4_0", "--json")
    rows = {row["name"]: row for row in json.loads(result.out)["tensors"]}
    assert rows["good.weight"]["format"] == rows["good.weight"]["wanted_format"] == "q4_0"
    assert rows["odd.weight"]["format"] == "f16"
    assert rows["odd.weight"]["wanted_format"] == "q4_0"
    assert "rows of 40" in rows["odd.weight"]["note"]
    assert np.array_equal(values(read_gguf(target)["odd.weight"]), array.astype(np.float16))

    target.unlink()
    result = kerf("convert", source, target, "--to", "q4_0", "--strict", status=2)
    assert "odd.weight" in result.err, result
    assert list(outputs.iterdir()) == []


def test_strict_says_nothing_where_all_is_well(kerf, layer, outputs):
    kerf("convert", layer, outputs / "x.gguf", "--to", "q4_0", "--strict")
