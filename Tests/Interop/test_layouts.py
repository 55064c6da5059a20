"""Directories that `kerf convert --layout` makes, read by the descriptions of their layouts."""

import json

import numpy as np
import pytest

from conftest import MODEL, assert_refused, read_gguf, values
from containers import read_safetensors, safetensors_bytes
from layouts import E4M3, read_model

CASES = [
    ("compressed-tensors", "--to int4 --group 32"),
    ("compressed-tensors", "--to int4 --group 128 --asymmetric"),
    ("compressed-tensors", "--to int8"),
    ("compressed-tensors", "--to int8 --activations"),
    ("compressed-tensors", "--to fp8"),
    ("compressed-tensors", "--to fp8 --group tensor"),
    ("compressed-tensors", "--to fp8 --group 128x128"),
    ("compressed-tensors", "--to mxfp4"),
    ("compressed-tensors", "--to nvfp4"),
    ("bitsandbytes", "--to nf4"),
    ("bitsandbytes", "--to nf4 --double-quantization"),
    ("bitsandbytes", "--to fp4 --group 128"),
    ("bitsandbytes", "--to int8"),
    ("awq", "--to int4"),
    ("gptq", "--to int4 --group 64"),
    ("gptq", "--to int4 --group 64 --asymmetric"),
    ("gptq", "--to int3 --group 32"),
    ("mlx", "--to int4"),
    ("mlx", "--to int3 --group 32"),
    ("mlx", "--to int8 --group 128"),
    ("mlx", "--to mxfp4"),
    ("mlx", "--to nvfp4"),
    ("mlx", "--to mxfp8"),
]


@pytest.fixture(scope="module")
def source():
    return MODEL.parent


@pytest.mark.parametrize("layout, options", CASES)
def test_whoever_reads_it_sees_what_was_measured(kerf, source, weights, outputs, layout, options):
    folder = outputs / "model"
    report = json.loads(kerf(
        "convert", source, folder, "--layout", layout, *options.split(), "--json").out)
    read = read_model(folder)
    rows = {row["name"]: row for row in report["tensors"]}
    quantized = [name for name in rows if "_g" in rows[name]["format"]]
    assert len(quantized) == 37
    for name in quantized:
        x = weights[name].astype(np.float64)
        error = ((read[name].astype(np.float64) - x) ** 2).sum() / (x**2).sum()
        assert error == pytest.approx(rows[name]["nmse"], rel=1e-6)
    # Reading it back measures the same.
    measured = json.loads(kerf("measure", MODEL, folder, "--no-matmul", "--json").out)
    again = {row["name"]: row["nmse"] for row in measured["tensors"]}
    assert set(again) == set(rows)
    for name, row in rows.items():
        assert again[name] == (row["nmse"] and pytest.approx(row["nmse"], rel=1e-6)), name
    assert (folder / "tokenizer.json").read_bytes() == (source / "tokenizer.json").read_bytes()
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" in config and config["model_type"] == "bert"


def test_any_layout_becomes_any_other(kerf, source, outputs):
    kerf("convert", source, outputs / "mlx", "--to", "int8", "--group", 32, "--layout", "mlx")
    kerf("convert", outputs / "mlx", outputs / "gptq", "--to", "int8", "--group", 32, "--layout", "gptq")
    kerf("convert", outputs / "gptq", outputs / "model.gguf", "--to", "q8_0")
    kerf("convert", outputs / "gptq", outputs / "model.safetensors", "--to", "f16")
    total = json.loads(kerf(
        "measure", MODEL, outputs / "model.gguf", "--no-matmul", "--json").out)["total"]
    assert total["sqnr_db"] > 40
    inspected = json.loads(kerf("inspect", outputs / "gptq", "--json").out)
    assert inspected["parameters"]["total"] == 22713216


def test_shards(kerf, source, outputs):
    folder = outputs / "model"
    kerf("convert", source, folder, "--to", "int4", "--layout", "compressed-tensors",
         "--shard-size", "20MB")
    files = sorted(path.name for path in folder.glob("*.safetensors"))
    assert len(files) > 1 and files[0] == f"model-00001-of-{len(files):05}.safetensors"
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    for file in files:
        assert set(read_safetensors(folder / file)[0]) == {
            name for name in index if index[name] == file}
    whole = outputs / "whole"
    kerf("convert", source, whole, "--to", "int4", "--layout", "compressed-tensors")
    report = json.loads(kerf("measure", whole, folder, "--no-matmul", "--json").out)
    assert report["total"]["nmse"] == 0 and not report["unmatched"]["reference"]


@pytest.mark.parametrize("rounding", ["optimal", "reference"])
def test_scales_of_scales(kerf, source, weights, outputs, rounding):
    """Reference rounding keeps the library's codes; optimal rounding chooses them again."""
    arguments = ["convert", source, "--layout", "bitsandbytes", "--to", "nf4", "--rounding", rounding]
    folder, plain = outputs / "nested", outputs / "plain"
    report = json.loads(kerf(
        *arguments[:2], folder, *arguments[2:], "--double-quantization", "--json").out)
    without = json.loads(kerf(*arguments[:2], plain, *arguments[2:], "--json").out)
    nested_tensors = read_safetensors(folder / "model.safetensors")[0]
    plain_tensors = read_safetensors(plain / "model.safetensors")[0]
    changed = 0
    for row, other in zip(report["tensors"], without["tensors"]):
        if row["format"] != "nf4_g64":
            continue
        codes = [tensors[row["name"]][1] for tensors in (nested_tensors, plain_tensors)]
        changed += (codes[0] != codes[1]).sum()
        assert row["bits_per_weight"] < 4.2
        assert row["nmse"] < 1.03 * other["nmse"]
    assert (changed > 0) == (rounding == "optimal")


@pytest.mark.parametrize("group, tile", [("tensor", (200, 256)), ("128x128", (128, 128)), ("64x32", (64, 32))])
def test_floats_whose_rows_share_scales(kerf, tmp_path, outputs, group, tile):
    """Rows that do not fill the last tile, too; every scale is the largest weight's over 448."""
    x = np.random.default_rng(5).standard_normal((200, 256)).astype(np.float32) * 0.02
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(
        safetensors_bytes({"model.layers.0.mlp.up_proj.weight": ("F32", x)}))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    arguments = ["convert", folder, outputs / "fp8", "--to", "fp8", "--group", group, "--layout",
                 "compressed-tensors", "--json"]
    planned = json.loads(kerf(*arguments, "--dry-run").out)["tensors"][0]
    row = json.loads(kerf(*arguments).out)["tensors"][0]
    tensors = read_safetensors(outputs / "fp8/model.safetensors")[0]
    scales = tensors["model.layers.0.mlp.up_proj.weight_scale"][1]
    codes = E4M3[tensors["model.layers.0.mlp.up_proj.weight"][1].view(np.uint8)]
    tiles = [(i, j) for i in range(0, 200, tile[0]) for j in range(0, 256, tile[1])]
    assert row["bytes"] == planned["bytes"] == x.size + 4 * len(tiles) and scales.size == len(tiles)
    assert scales.shape == ((1,) if group == "tensor" else (-(-200 // tile[0]), 256 // tile[1]))
    for (i, j), scale in zip(tiles, scales.reshape(-1)):
        part = np.s_[i:i + tile[0], j:j + tile[1]]
        assert scale == np.abs(x[part]).max() / np.float32(448)
        codes[part] *= scale
    error = ((codes.astype(np.float64) - x) ** 2).sum() / (x.astype(np.float64) ** 2).sum()
    assert row["nmse"] == pytest.approx(error, rel=1e-6) and error < 0.03**2
    measured = kerf("measure", folder, outputs / "fp8", "--no-matmul", "--json").out
    assert json.loads(measured)["total"]["nmse"] == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("scale", ["weight_scale_inv", "weight_scale", "scale_weight"])
def test_floats_of_eight_bits_are_not_read_without_their_scales(kerf, tmp_path, outputs, scale):
    path = tmp_path / "model.safetensors"
    codes = np.full((8, 64), 0x38, np.uint8)
    path.write_bytes(safetensors_bytes({
        "layer.weight": ("F8_E4M3", codes), "layer." + scale: ("F32", np.ones(1, np.float32))}))
    assert "scale" in kerf("convert", path, outputs / "a.gguf", "--to", "f16", status=1).err
    path.write_bytes(safetensors_bytes({"layer.weight": ("F8_E4M3", codes)}))
    kerf("convert", path, outputs / "a.gguf", "--to", "f16")
    assert (values(read_gguf(outputs / "a.gguf")["layer.weight"]) == 1).all()


def test_rules_decide(kerf, source, outputs):
    folder = outputs / "model"
    report = json.loads(kerf(
        "convert", source, folder, "--to", "int4", "--layout", "mlx",
        "--tensor", r"layer\.0\..*query=int8_g32_bias_f32", "--tensor", "pooler=f32",
        "--json").out)
    formats = {row["name"]: row["format"] for row in report["tensors"]}
    assert formats["encoder.layer.0.attention.self.query.weight"] == "int8_g32_bias_f32"
    assert formats["pooler.dense.weight"] == "f32"
    assert formats["encoder.layer.1.attention.self.query.weight"] == "int4_g64_bias_f32"
    config = json.loads((folder / "config.json").read_text())["quantization"]
    assert config["encoder.layer.0.attention.self.query"]["bits"] == 8


@pytest.mark.parametrize("arguments, status, words", [
    (["--to", "int4", "--layout", "bitsandbytes"], 1, "nf4 or fp4"),
    (["--to", "int4", "--layout", "awq", "--tensor", "layer.0.*query=int8_g64"], 1, "int4"),
    (["--to", "int8", "--group", "tensor", "--layout", "compressed-tensors"], 1, "e4m3"),
    (["--to", "fp8", "--group", "128x128", "--layout", "mlx"], 1, "e4m3"),
    (["--to", "fp8", "--group", "128x", "--layout", "compressed-tensors"], 64, "128x"),
    (["--to", "q4_0", "--layout", "mlx"], 64, "int4"),
    (["--to", "int4", "--layout", "olive"], 64, "olive"),
    (["--to", "q4_0", "--group", "64"], 64, "--group"),
    (["--to", "int4", "--layout", "mlx", "--symmetric", "--asymmetric"], 64, "--symmetric"),
    (["--to", "int4", "--layout", "mlx", "--container", "gguf"], 64, "--container"),
    (["--to", "int4", "--layout", "mlx", "--tensor", "nowhere=f16"], 1, "nowhere"),
    (["--layout", "mlx", "--size", "20MB"], 64, "--layout"),
])
def test_what_cannot_be_held_is_said_before_any_work(kerf, source, outputs, arguments, status, words):
    result = kerf("convert", source, outputs / "model", *arguments, status=status)
    assert words in result.err and not list(outputs.iterdir())


def test_what_is_there_stays(kerf, source, outputs):
    folder = outputs / "model"
    arguments = ["convert", source, folder, "--to", "int8", "--layout", "mlx"]
    kerf(*arguments)
    before = (folder / "model.safetensors").read_bytes()
    assert_refused(kerf(*arguments, status=None), folder)
    arguments[4] = "int4"
    kerf(*arguments, "--force")
    assert (folder / "model.safetensors").read_bytes() != before
    assert [path.name for path in outputs.iterdir()] == ["model"]
    # A folder that is no model is never replaced.
    other = outputs / "photographs"
    other.mkdir()
    (other / "a.png").write_bytes(b"1")
    arguments[2] = other
    assert_refused(kerf(*arguments, "--force", status=None), other)
    assert (other / "a.png").exists()


def test_it_takes_a_model_of_the_hub(kerf, tiny, converted, outputs):
    result = kerf("convert", tiny, outputs / "a", "--to", "int4", "--layout", "mlx", status=1)
    assert "config.json" in result.err
    result = kerf(
        "convert", converted("q8_0", "optimal"), outputs / "a", "--to", "int4", "--layout", "mlx",
        status=1)
    assert "safetensors" in result.err
