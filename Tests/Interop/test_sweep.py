"""A sweep says of every format what converting to it would."""

import csv
import io
import json

import numpy as np
import pytest

import llama
from conftest import is_quantized, raw, read_gguf, values
from containers import safetensors_bytes
from test_report import LOSSES, expected

ENCODABLE = [
    "f32", "f16", "bf16", "q8_0", "q6_K", "q5_1", "q5_0", "q5_K", "q4_1", "q4_0", "q4_K",
    "iq4_nl", "nvfp4", "iq4_xs", "mxfp4", "q3_K", "q2_K", "tq2_0", "tq1_0"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Matrices of which some take every format and one does not, and what is kept."""
    random = np.random.default_rng(5)
    arrays = {
        "model.layers.0.mlp.down_proj.weight": random.standard_normal((96, 1024), np.float32),
        "model.layers.0.mlp.up_proj.weight": random.standard_t(4, (300, 512)).astype(np.float32),
        "model.layers.0.self_attn.q_proj.weight": random.standard_normal((64, 96), np.float32),
        "model.layers.0.self_attn.q_proj.bias": random.standard_normal(64, np.float32),
        "model.norm.weight": random.standard_normal(96, np.float32)}
    path = tmp_path_factory.mktemp("sweep") / "model.safetensors"
    path.write_bytes(safetensors_bytes({name: ("F32", array) for name, array in arrays.items()}))
    return path, arrays


def sweep(kerf, *arguments):
    return json.loads(kerf("sweep", *arguments, "--json").out)


@pytest.mark.parametrize("rounding", ["optimal", "reference"])
def test_figures_are_those_of_numpy(kerf, weights, rounding, tmp_path):
    path, arrays = weights
    report = sweep(kerf, path, "--no-matmul", "--rounding", rounding)
    assert [row["format"] for row in report["formats"]] == ENCODABLE
    assert report["rounding"] == rounding and report["seed"] is None
    for row in report["formats"]:
        target = tmp_path / f"{row['format']}.gguf"
        kerf("convert", path, target, "--to", row["format"], "--pure", "--rounding", rounding)
        tensors = read_gguf(target)
        assert row["file_bytes"] == sum(tensor.n_bytes for tensor in tensors.values())
        errors = references = 0
        for tensor in row["tensors"]:
            name = tensor["name"]
            assert tensor["shape"] == list(arrays[name].shape)
            assert tensor["bytes"] == tensors[name].n_bytes
            restored = values(tensors[name])
            if np.array_equal(restored, arrays[name]):
                assert tensor["nmse"] == 0 and tensor["sqnr_db"] is None
                continue
            figures, (error, reference, _) = expected(arrays[name], restored)
            errors, references = errors + error, references + reference
            for key in LOSSES:
                assert tensor[key] == pytest.approx(figures[key], rel=1e-12, abs=0), (name, key)
            assert abs(tensor["bias"] - figures["bias"]) <= 1e-12 * figures["mean_abs_error"]
        if errors:
            assert row["nmse"] == pytest.approx(errors / references, rel=1e-12, abs=0)
            worst = min(row["tensors"], key=lambda tensor: tensor["sqnr_db"])
            assert row["worst_tensor"] == {"name": worst["name"], "sqnr_db": worst["sqnr_db"]}
            distance = 20 * np.log10(2) * row["bits_per_weight"] - row["sqnr_db"]
            assert row["db_from_gaussian_bound"] == pytest.approx(distance, abs=1e-9)
        everything = {name for name, array in arrays.items() if is_quantized(name, array)}
        restored = {name: values(tensors[name]) for name in everything}
        squares = [expected_squares(arrays[name], restored[name]) for name in everything]
        nmse = sum(error for error, _ in squares) / sum(reference for _, reference in squares)
        assert row["file_nmse"] == pytest.approx(nmse, rel=1e-12, abs=0)


def expected_squares(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    return np.sum((x - y) ** 2), np.sum(x * x)


def test_figures_of_a_hundred_million_elements(kerf, tmp_path):
    """Sums over many pieces stay as exact as those of NumPy, which adds in pairs."""
    pattern = np.random.default_rng(3).standard_normal((1 << 8, 4096), np.float32)
    scales = 1 + np.arange(96, dtype=np.float32) % 7
    path = tmp_path / "large.safetensors"
    empty = safetensors_bytes(
        {"large.weight": ("F32", np.empty((0, 4096), np.float32))},
        header=lambda entries: entries["large.weight"].update(
            shape=[96 << 8, 4096], data_offsets=[0, 96 * pattern.nbytes]))
    with open(path, "wb") as file:
        file.write(empty)
        for scale in scales:
            (pattern * scale).tofile(file)
    report = sweep(
        kerf, path, "--formats", "q8_0", "--rounding", "reference", "--no-matmul")
    tensor = report["formats"][0]["tensors"][0]
    n = tensor["elements"]
    assert n == 96 * pattern.size > 100_000_000
    kerf(
        "convert", path, tmp_path / "large.gguf", "--to", "q8_0", "--rounding", "reference",
        "--no-measure")
    blocks = raw(read_gguf(tmp_path / "large.gguf")["large.weight"]).reshape(-1, 34)
    source = np.memmap(path, np.float32, offset=len(empty), mode="r").reshape(-1, 32)
    sums = np.zeros(5)
    for first in range(0, len(blocks), 1 << 12):
        part = blocks[first : first + (1 << 12)]
        y = part[:, 2:].view(np.int8) * part[:, :2].copy().view(np.float16).astype(np.float64)
        x = source[first : first + (1 << 12)].astype(np.float64)
        e = y - x
        sums += [(e * e).sum(), (x * x).sum(), (y * y).sum(), (x * y).sum(), e.sum()]
    assert tensor["mse"] == pytest.approx(sums[0] / n, rel=1e-12, abs=0)
    assert tensor["nmse"] == pytest.approx(sums[0] / sums[1], rel=1e-12, abs=0)
    assert tensor["cosine"] == pytest.approx(sums[3] / np.sqrt(sums[1] * sums[2]), rel=1e-12, abs=0)
    assert abs(tensor["bias"] - sums[4] / n) <= 1e-12 * tensor["mean_abs_error"]


def test_samples(kerf, tmp_path):
    random = np.random.default_rng(6)
    path = tmp_path / "uneven.safetensors"
    path.write_bytes(safetensors_bytes({
        f"layers.{index}.weight": (
            "F32", random.standard_normal((800, 1024), np.float32)
            * random.lognormal(0, 1, (800, 1)).astype(np.float32))
        for index in range(2)}))
    arguments = [path, "--no-matmul", "--formats", "q4_0,q8_0,q4_K"]
    whole = sweep(kerf, *arguments)
    sampled = sweep(kerf, *arguments, "--sample", "20%")
    assert whole["sampled_share"] == 1 and whole["seed"] is None
    assert sampled["sampled_share"] == pytest.approx(0.2) and sampled["seed"] == 0
    for row, exact in zip(sampled["formats"], whole["formats"], strict=True):
        assert exact["nmse_standard_error"] is None
        assert 0 < abs(row["nmse"] - exact["nmse"]) <= 3 * row["nmse_standard_error"]
        assert row["nmse_standard_error"] < 0.1 * row["nmse"]
        assert row["bytes"] == exact["bytes"]
    assert " ± " in kerf("sweep", *arguments, "--sample", "20%").out
    again = sweep(kerf, *arguments, "--sample", "0.2", "--threads", "1")
    other = sweep(kerf, *arguments, "--sample", "0.2", "--seed", "1")
    for row, same, another in zip(sampled["formats"], again["formats"], other["formats"]):
        assert row["tensors"] == same["tensors"] != another["tensors"]


def test_groups_and_channels(kerf, weights, tmp_path):
    path, arrays = weights
    report = sweep(
        kerf, path, "--no-matmul", "--rounding", "reference", "--formats",
        "int8_channel_f32,int4_g48,int8_channel,q8_0")
    rows = {row["format"]: row for row in report["formats"]}
    assert list(rows) == ["q8_0", "int8_channel_f32", "int8_channel", "int4_g48"]
    for tensor in rows["int8_channel_f32"]["tensors"]:
        weight = arrays[tensor["name"]]
        rows_, columns = weight.shape
        assert tensor["bytes"] == rows_ * (columns + 4)
        # compressed-tensors' observer: the largest magnitude is 127.5 steps.
        scale = np.abs(weight).max(axis=1, keepdims=True) / np.float32(127.5)
        codes = np.clip(np.rint(weight / scale), -128, 127)
        error = ((codes * scale - weight).astype(np.float64) ** 2).sum()
        assert tensor["mse"] == pytest.approx(error / weight.size, rel=1e-6)
    assert rows["int8_channel"]["tensor_count"] == len(rows["int8_channel"]["tensors"]) == 3
    # 48 divides neither 512 nor 1024.
    assert [tensor["shape"] for tensor in rows["int4_g48"]["tensors"]] == [[64, 96]]


def test_importance_weighs_errors(kerf, weights, tmp_path):
    path, arrays = weights
    name = "model.layers.0.mlp.up_proj.weight"
    llama.write_importance(tmp_path / "imatrix.gguf", {name: arrays[name].shape})
    arguments = ["--no-matmul", "--formats", "q4_0,q4_K", "--importance", tmp_path / "imatrix.gguf"]
    result = kerf("sweep", path, *arguments, "--json")
    assert "2 of 3 quantized tensors" in result.err
    report = json.loads(result.out)
    for row in report["formats"]:
        target = tmp_path / f"{row['format']}.gguf"
        printed = json.loads(
            kerf(
                "convert", path, target, "--to", row["format"], "--pure", "--json",
                "--importance", tmp_path / "imatrix.gguf").out)
        rows = {tensor["name"]: tensor for tensor in printed["tensors"]}
        for tensor in row["tensors"]:
            assert tensor["nmse"] == rows[tensor["name"]]["nmse"]
            assert tensor.get("weighted_nmse") == rows[tensor["name"]]["weighted_nmse"]
        assert row["weighted_nmse"] is not None


def test_table_csv_and_products(kerf, weights, tmp_path):
    path, _ = weights
    result = kerf(
        "sweep", path, "--formats", "q4_0,q8_0,q4_K", "--html", tmp_path / "sweep.html")
    assert result.err == ""
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["q8_0", "q4_0", "q4_K"]
    assert "M=512" in lines[2] and "of file" in lines[2]
    text = kerf("sweep", path, "--formats", "q4_0,q8_0,q4_K", "--csv").out
    rows = {row["format"]: row for row in csv.DictReader(io.StringIO(text))}
    report = sweep(kerf, path, "--formats", "q4_0,q8_0,q4_K", "--no-matmul")
    for row in report["formats"]:
        found = rows[row["format"]]
        for key in ["bytes", "file_bytes", "nmse", "sqnr_db", "cosine", "db_from_gaussian_bound"]:
            assert float(found[key]) == row[key], key
        assert found["worst_tensor"] == row["worst_tensor"]["name"]
        assert float(found["matmul_512_gops"]) > 0 and float(found["matmul_1_weight_gbps"]) > 0
        assert found["nmse_standard_error"] == ""
    assert (tmp_path / "sweep.html").read_text().lower().startswith("<!doctype html>")


def test_tensors_that_do_not_match_count_as_they_are(kerf, weights):
    path, arrays = weights
    report = sweep(kerf, path, "--formats", "q8_0", "--tensors", "mlp", "--no-matmul")
    row = report["formats"][0]
    assert {tensor["name"] for tensor in row["tensors"]} == {
        name for name in arrays if "mlp" in name}
    assert report["kept_bytes"] == sum(
        array.nbytes for name, array in arrays.items() if "mlp" not in name)
    assert row["file_bytes"] == report["kept_bytes"] + row["bytes"]


def test_what_was_quantized_before_is_said(kerf, weights, tmp_path):
    path, arrays = weights
    kerf("convert", path, tmp_path / "q4_0.gguf", "--to", "q4_0", "--pure")
    result = kerf(
        "sweep", tmp_path / "q4_0.gguf", "--no-matmul", "--formats", "q4_0,q8_0", "--json")
    assert "3 tensors had been quantized before" in result.err
    rows = {row["format"]: row for row in json.loads(result.out)["formats"]}
    # Blocks stay as they are in their own format.
    assert rows["q4_0"]["nmse"] == 0 < rows["q8_0"]["nmse"]
    assert rows["q4_0"]["encode_gbps"] == 0


@pytest.mark.parametrize(
    "arguments, status, words", [
        (["--sample", "0"], 64, "--sample"),
        (["--sample", "120%"], 64, "--sample"),
        (["--seed", "3"], 64, "--seed"),
        (["--formats", "q8_K"], 64, "q8_K"),
        (["--formats", "nothing"], 64, "nothing"),
        (["--tensors", "("], 64, "regular expression"),
        (["--tensors", "nowhere"], 1, "nowhere"),
        (["--tensors", "bias"], 1, "would be quantized"),
        (["--rounding", "reference", "--importance", "x"], 64, "--importance"),
        (["--importance", "/nowhere/x.gguf"], 1, "/nowhere/x.gguf"),
        (["--html", "/nowhere/x.html"], 1, "/nowhere"),
        (["--json", "--csv"], 64, "--csv"),
    ])
def test_what_cannot_be_done(kerf, weights, arguments, status, words):
    result = kerf("sweep", weights[0], *arguments, status=status)
    assert words in result.err and result.out == ""
    if status == 1:
        assert len(result.err.splitlines()) == 1, result


def test_a_report_is_not_written_over_the_input(kerf, weights):
    before = weights[0].read_bytes()
    result = kerf("sweep", weights[0], "--html", weights[0], status=1)
    assert "--html" in result.err and weights[0].read_bytes() == before


def test_every_format_that_can_be_written_is_tried(kerf, weights):
    listed = json.loads(kerf("formats", "--json").out)["formats"]
    assert {entry["name"] for entry in listed if entry["encodable"]} == set(ENCODABLE)
