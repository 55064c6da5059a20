"""The loss report says what NumPy computes."""

import csv
import json
import math

import numpy as np
import pytest

from conftest import is_quantized, read_gguf, values

ROW_KEYS = {
    "name", "shape", "elements", "source_format", "format", "wanted_format", "bytes",
    "bits_per_weight", "mse", "rmse", "nmse", "sqnr_db", "max_abs_error", "mean_abs_error",
    "cosine", "bias"}
LOSSES = ["mse", "rmse", "nmse", "sqnr_db", "max_abs_error", "mean_abs_error", "cosine"]
TOTAL_KEYS = {
    "elements", "bytes_in", "bytes_out", "bits_per_weight", "nmse", "sqnr_db", "seconds"}


def expected(x, y):
    """The figures of one tensor, and the sums that totals are made of."""
    x, y = x.astype(np.float64).reshape(-1), y.astype(np.float64).reshape(-1)
    e = y - x
    squares = np.sum(e * e), np.sum(x * x), np.sum(y * y)
    mse, nmse = squares[0] / x.size, squares[0] / squares[1]
    return {
        "mse": mse, "rmse": math.sqrt(mse), "nmse": nmse, "sqnr_db": -10 * math.log10(nmse),
        "max_abs_error": np.max(np.abs(e)), "mean_abs_error": np.sum(np.abs(e)) / x.size,
        "cosine": np.sum(x * y) / math.sqrt(squares[1] * squares[2]), "bias": np.sum(e) / x.size,
    }, squares


@pytest.fixture(scope="module")
def run(kerf, model, tmp_path_factory):
    """A conversion with the report both ways: the output, the JSON and what was printed."""
    folder = tmp_path_factory.mktemp("report")
    target = folder / "x.gguf"
    result = kerf(
        "convert", model, target, "--to", "q4_0", "--report", folder / "x.json", "--json")
    return target, json.loads((folder / "x.json").read_text()), json.loads(result.out)


def test_keys(run, model):
    target, report, _ = run
    assert {"kerf", "isa", "source", "target", "tensors", "total"} <= set(report)
    assert report["source"].endswith(model.name) and report["target"].endswith(target.name)
    assert TOTAL_KEYS <= set(report["total"])
    for row in report["tensors"]:
        assert ROW_KEYS <= set(row), row["name"]


def test_printed_and_written_reports_agree(run):
    _, written, printed = run
    assert printed == written


def test_figures(run, weights):
    target, report, _ = run
    tensors = read_gguf(target)
    assert [row["name"] for row in report["tensors"]] == list(tensors)
    errors, references = [], []
    for row in report["tensors"]:
        name = row["name"]
        array = weights[name]
        assert row["shape"] == list(array.shape), name
        assert row["elements"] == array.size, name
        assert row["bytes"] == tensors[name].n_bytes, name
        assert row["bits_per_weight"] == 8 * row["bytes"] / row["elements"], name
        assert row["format"] == tensors[name].tensor_type.name.lower(), name
        assert row["source_format"] == ("f32" if array.dtype == np.float32 else "i64"), name
        if not is_quantized(name, array):
            assert row["mse"] in (0, None), name
            if row["mse"] == 0:
                references.append(np.sum(np.square(array.astype(np.float64))))
            continue
        figures, (error, reference, _) = expected(array, values(tensors[name]))
        errors.append(error)
        references.append(reference)
        for key in LOSSES:
            assert row[key] == pytest.approx(figures[key], rel=1e-12, abs=0), (name, key)
        assert abs(row["bias"] - figures["bias"]) <= 1e-12 * figures["mean_abs_error"], name
    total = report["total"]
    assert total["elements"] == sum(array.size for array in weights.values())
    assert total["bytes_in"] == sum(array.nbytes for array in weights.values())
    assert total["bytes_out"] == sum(row["bytes"] for row in report["tensors"])
    assert total["bits_per_weight"] == 8 * total["bytes_out"] / total["elements"]
    nmse = sum(errors) / sum(references)
    assert total["nmse"] == pytest.approx(nmse, rel=1e-12, abs=0)
    assert total["sqnr_db"] == pytest.approx(-10 * math.log10(nmse), rel=1e-12, abs=0)
    assert total["seconds"] > 0


def test_csv(run, kerf, model, tmp_path):
    _, report, _ = run
    kerf("convert", model, tmp_path / "x.gguf", "--to", "q4_0", "--report", tmp_path / "x.csv")
    with open(tmp_path / "x.csv", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    for row in report["tensors"]:
        found = rows[row["name"]]
        assert ROW_KEYS <= set(found)
        for key in ["elements", "bytes", *LOSSES, "bias"]:
            value = None if found[key] == "" else float(found[key])
            assert value == row[key], (row["name"], key)
        for key in ["source_format", "format", "wanted_format"]:
            assert found[key] == row[key], (row["name"], key)


def test_no_measure(kerf, layer, outputs):
    result = kerf("convert", layer, outputs / "x.gguf", "--to", "q4_0", "--no-measure", "--json")
    report = json.loads(result.out)
    for row in report["tensors"]:
        assert all(row[key] is None for key in [*LOSSES, "bias"]), row
    assert report["total"]["nmse"] is None and report["total"]["sqnr_db"] is None


def test_table_names_what_was_done(kerf, layer, outputs):
    result = kerf("convert", layer, outputs / "x.gguf", "--to", "q4_0")
    assert "q4_0" in result.out and "encoder.layer.0.output.dense.weight" in result.out


def test_dry_run(kerf, layer, outputs):
    arguments = ["convert", layer, outputs / "x.gguf", "--to", "q4_0", "--json"]
    planned = json.loads(kerf(*arguments, "--dry-run").out)
    assert list(outputs.iterdir()) == []
    done = json.loads(kerf(*arguments).out)
    keys = ["name", "shape", "source_format", "format", "wanted_format", "bytes"]
    for before, after in zip(planned["tensors"], done["tensors"], strict=True):
        assert {key: before[key] for key in keys} == {key: after[key] for key in keys}
        assert before["mse"] is None
    assert planned["total"]["bytes_out"] == done["total"]["bytes_out"]
