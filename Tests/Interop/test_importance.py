"""--importance: errors count by the activations that a column meets."""

import json
import struct

import gguf
import numpy as np
import pytest

import llama
from conftest import BLOCK_FORMATS, assert_refused, read_gguf, values
from containers import safetensors_bytes
from layouts import read_model

MODEL = llama.Llama(layers=2, heads=4, key_value_heads=2, width=256, forward=512, experts=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("importance")


@pytest.fixture(scope="module")
def source(folder):
    return MODEL.write(folder / "model.gguf", np.float32)


@pytest.fixture(scope="module")
def importance(folder):
    """(path, {name: mean squares})"""
    path = folder / "imatrix.gguf"
    return path, llama.write_importance(path, MODEL.quantized())


def originals(source):
    return {name: values(tensor) for name, tensor in read_gguf(source).items()}


def weighted_nmse(x, y, means):
    """Σw(x−y)² / Σwx², matrix after matrix."""
    x = x.astype(np.float64).reshape(len(means), -1, x.shape[-1])
    y = y.astype(np.float64).reshape(x.shape)
    w = means.astype(np.float64)[:, None, :]
    return np.sum(w * (x - y) ** 2) / np.sum(w * x**2)


def legacy_bytes(means, calls=7, end=b""):
    data = struct.pack("<i", len(means))
    for name, array in means.items():
        flat = (array * calls).astype(np.float32).reshape(-1)
        data += struct.pack("<i", len(name)) + name.encode()
        data += struct.pack("<ii", calls, flat.size) + flat.tobytes()
    return data + end


@pytest.mark.parametrize("format", BLOCK_FORMATS)
def test_weighted_error(format, kerf, source, importance, outputs):
    """The figure is NumPy's, and smaller than without importance where a search takes it."""
    path, means = importance
    arguments = ["convert", source, outputs / "x.gguf", "--to", format, "--pure", "--json"]
    result = kerf(*arguments, "--importance", path)
    rows = {row["name"]: row for row in json.loads(result.out)["tensors"]}
    made, exact = read_gguf(outputs / "x.gguf"), originals(source)
    kerf(*arguments, "--force")
    plain = read_gguf(outputs / "x.gguf")
    for name in means:
        expected = weighted_nmse(exact[name], values(made[name]), means[name])
        assert rows[name]["weighted_nmse"] == pytest.approx(expected, rel=1e-4), name
        if "importance is not used" not in result.err:
            before = weighted_nmse(exact[name], values(plain[name]), means[name])
            assert expected < before, name
    assert rows["output.weight"]["weighted_nmse"] is None
    assert rows["output.weight"]["note"] == "no importance"


def test_both_forms_are_one(kerf, source, importance, outputs, folder):
    path, means = importance
    legacy = folder / "imatrix.dat"
    text = b"calibration.txt"
    legacy.write_bytes(legacy_bytes(
        means, calls=8, end=struct.pack("<ii", 3, len(text)) + text))
    for name, file in [("a.gguf", path), ("b.gguf", legacy)]:
        kerf("convert", source, outputs / name, "--to", "q4_0", "--pure", "--importance", file)
        reader = gguf.GGUFReader(outputs / name)
        key = lambda key: reader.get_field("quantize.imatrix." + key).contents()
        assert key("file") == str(file)
        assert key("dataset") == "calibration.txt"
        assert key("entries_count") == len(means)
        assert key("chunks_count") == 3
    a, b = read_gguf(outputs / "a.gguf"), read_gguf(outputs / "b.gguf")
    for name in a:
        assert np.array_equal(a[name].data, b[name].data), name


def test_codes_for_scales_of_scales(kerf, outputs, folder):
    """Codes that are chosen again keep most of what importance gained."""
    name = "model.layers.0.mlp.up_proj.weight"
    random = np.random.default_rng(3)
    x = random.standard_normal((256, 512)).astype(np.float32)
    means = np.exp(2 * random.standard_normal((1, 512))).astype(np.float32)
    model = folder / "hub"
    model.mkdir()
    (model / "model.safetensors").write_bytes(safetensors_bytes({name: ("F32", x)}))
    (model / "config.json").write_text('{"model_type": "llama"}')
    (folder / "hub.dat").write_bytes(legacy_bytes({name: means}))
    arguments = ["--layout", "bitsandbytes", "--to", "nf4", "--importance", folder / "hub.dat", "--json"]
    errors = []
    for nesting in [[], ["--double-quantization"]]:
        report = json.loads(kerf("convert", model, outputs / "out", *arguments, *nesting, "--force").out)
        found = read_model(outputs / "out")[name]
        errors.append(report["tensors"][0]["weighted_nmse"])
        assert errors[-1] == pytest.approx(weighted_nmse(x, found, means), rel=1e-4)
    assert errors[0] < errors[1] < 1.03 * errors[0]


def test_csv_has_the_weighted_error(kerf, source, importance, outputs):
    kerf(
        "convert", source, outputs / "x.gguf", "--to", "q8_0", "--importance", importance[0],
        "--report", outputs / "x.csv")
    head = (outputs / "x.csv").read_text().splitlines()[0]
    assert head.endswith(",weighted_nmse")


def test_holes_are_said(kerf, source, outputs, folder):
    def spoil(name, sums, counts):
        if name == "blk.0.attn_q.weight":
            sums[0, :3] = [0, np.nan, -1]
        if name == "blk.0.ffn_up_exps.weight":
            counts[2] = 0
        return name == "blk.1.attn_v.weight"

    path = folder / "holes.gguf"
    tensors = {**MODEL.quantized(), "blk.9.attn_q.weight": (256, 256)}
    llama.write_importance(path, tensors, change=spoil)
    result = kerf(
        "convert", source, outputs / "x.gguf", "--to", "q4_0", "--pure", "--json",
        "--importance", path)
    notes = {row["name"]: row["note"] for row in json.loads(result.out)["tensors"]}
    assert "3 of 256 columns" in notes["blk.0.attn_q.weight"]
    assert "256 of 1024 columns" in notes["blk.0.ffn_up_exps.weight"]
    assert notes["blk.1.attn_v.weight"] == "no importance"
    assert notes["blk.1.attn_k.weight"] is None
    assert "blk.9.attn_q.weight" in result.err and "2 tensors" in result.err
    for tensor in read_gguf(outputs / "x.gguf").values():
        assert np.isfinite(values(tensor)).all()


def test_wrong_length(kerf, source, outputs, folder):
    path = folder / "wrong.gguf"
    llama.write_importance(path, {"blk.0.ffn_up_exps.weight": (256, 256)})
    result = kerf(
        "convert", source, outputs / "x.gguf", "--to", "q8_0", "--importance", path, status=1)
    assert_refused(result, path)
    assert "blk.0.ffn_up_exps.weight" in result.err
    assert list(outputs.iterdir()) == []


@pytest.mark.parametrize("data", [
    b"", b"GGUF", b"\0" * 64, b"\xff" * 64, struct.pack("<ii", 1, 2**31 - 1) + b"x" * 32])
def test_no_importance_matrix(data, kerf, source, outputs, folder):
    path = folder / "bad.dat"
    path.write_bytes(data)
    result = kerf(
        "convert", source, outputs / "x.gguf", "--to", "q8_0", "--importance", path, status=1)
    assert_refused(result, path)
    assert list(outputs.iterdir()) == []


def test_weights_are_no_importance_matrix(kerf, source, outputs):
    result = kerf(
        "convert", source, outputs / "x.gguf", "--to", "q8_0", "--importance", source, status=1)
    assert_refused(result, source)


def test_reference_rounding_takes_none(kerf, source, importance, outputs):
    result = kerf(
        "convert", source, outputs / "x.gguf", "--to", "q8_0", "--importance", importance[0],
        "--rounding", "reference", status=64)
    assert "--importance" in result.err and "reference" in result.err
    assert list(outputs.iterdir()) == []
