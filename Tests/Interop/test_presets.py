"""Presets choose for each tensor what llama.cpp's quantizer chooses.

`Tests/Goldens/presets.json` has its choices for models of several kinds, so that the Swift tests
need it not. Where it is installed: KERF_UPDATE_GOLDENS=1 pytest Tests/Interop/test_presets.py
"""

import json
import os
import pathlib
import re

import gguf
import numpy as np
import pytest

import llama
from conftest import read_gguf
from llama import Llama

GOLDEN = pathlib.Path(__file__).parents[1] / "Goldens" / "presets.json"
PRESETS = [
    "f16", "bf16", "q8_0", "q6_K", "q5_K_M", "q5_K_S", "q5_1", "q5_0", "q4_K_M", "q4_K_S", "q4_1",
    "q4_0", "iq4_nl", "iq4_xs", "mxfp4_moe", "q3_K_L", "q3_K_M", "q3_K_S", "q2_K"]
MODELS = {
    "llama": Llama(layers=24, forward=256),
    "grouped": Llama(layers=17, heads=8, key_value_heads=2, forward=256),
    "mixtral": Llama(layers=12, heads=8, key_value_heads=2, experts=8, forward=256),
    "four experts": Llama(layers=9, experts=4, forward=256),
    "80 layers": Llama(layers=80, heads=8, key_value_heads=1, forward=256),
    "tied": Llama(layers=4, tied=True),
    "narrow": Llama(layers=8, width=288, forward=576, heads=4),
    "odd": Llama(layers=8, width=256, forward=320, vocabulary=70, heads=4),
    "misfit": Llama(layers=2, width=48, forward=80, heads=4, tied=True),
}
needs_llama = pytest.mark.skipif(
    llama.tool("llama-quantize") is None, reason="there is no llama-quantize; Benchmarks/set-up-peers")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """{model: (weight file, importance matrix)}, made when they are asked for."""
    folder = tmp_path_factory.mktemp("models")
    made = {}

    def make(name):
        if name not in made:
            path, importance = folder / f"{name}.gguf", folder / f"{name}.imatrix.gguf"
            MODELS[name].write(path)
            llama.write_importance(importance, MODELS[name].quantized())
            made[name] = path, importance
        return made[name]

    return make


def brief(choices, tensors):
    """{part: {format: "0-3,7"}}: matrices by what they are called without their layer's number,
    and the numbers; those outside of layers have none."""
    found = {}
    for name, shape in tensors.items():
        if len(shape) < 2 or "gate_inp" in name:
            continue
        part, layer = divided(name)
        found.setdefault(part, {}).setdefault(choices[name], []).append(layer)
    return {
        part: {format: spelled(layers) for format, layers in chosen.items()}
        for part, chosen in found.items()}


def divided(name):
    match = re.fullmatch(r"blk\.(\d+)\.(.*)", name)
    return (match[2], int(match[1])) if match else (name, None)


def spelled(layers):
    """Numbers as ranges: 0-3,7."""
    if layers == [None]:
        return ""
    runs = []
    for layer in layers:
        if runs and runs[-1][1] == layer - 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in runs)


@pytest.fixture(scope="module")
def golden(files):
    if os.environ.get("KERF_UPDATE_GOLDENS") and llama.tool("llama-quantize"):
        cases = []
        for name, model in MODELS.items():
            path, importance = files(name)
            tensors = model.tensors()
            cases.append({
                "name": name, "architecture": model.architecture, "layers": model.layers,
                "heads": model.heads, "key_value_heads": model.key_value_heads,
                "experts": model.experts,
                "tensors": {divided(name)[0]: shape for name, shape in tensors.items()},
                "choices": {
                    preset: brief(llama.chosen_by_llama_quantize(path, preset), tensors)
                    for preset in PRESETS},
                "with_importance": {
                    preset: brief(
                        llama.chosen_by_llama_quantize(path, preset, importance), tensors)
                    for preset in ["q4_0", "q5_0", "iq4_nl", "iq4_xs", "q4_K_M"]}})
        # A line for each preset.
        text = json.dumps(cases, separators=(",", ":"))
        text = re.sub(r'("\w+":\{"token)', r"\n\1", text)
        text = re.sub(r'(,"(?:tensors|choices|with_importance)")', r"\n\1", text)
        GOLDEN.write_text(text.replace('{"name"', '\n{"name"') + "\n")
    return {case["name"]: case for case in json.loads(GOLDEN.read_text())}


@needs_llama
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("preset", PRESETS)
def test_golden_is_what_llama_quantize_chooses(name, preset, golden, files):
    path, importance = files(name)
    tensors = MODELS[name].tensors()
    assert golden[name]["choices"][preset] == brief(
        llama.chosen_by_llama_quantize(path, preset), tensors)
    if preset in golden[name]["with_importance"]:
        assert golden[name]["with_importance"][preset] == brief(
            llama.chosen_by_llama_quantize(path, preset, importance), tensors)


def can_write(kerf, formats):
    """Whether the command encodes all of these."""
    known = {each["name"] for each in json.loads(kerf("formats", "--json").out)["formats"]
             if each["encodable"]}
    return set(formats) <= known


def needs(kerf, choices):
    formats = {format for part in choices.values() for format in part}
    if not can_write(kerf, formats):
        pytest.skip(f"not all of {', '.join(sorted(formats))} can be written yet")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("preset", PRESETS)
def test_dry_run_chooses_the_same(name, preset, golden, files, kerf, outputs):
    needs(kerf, golden[name]["choices"][preset])
    path, importance = files(name)
    for key, more in [("choices", []), ("with_importance", ["--importance", importance])]:
        if preset not in golden[name][key]:
            continue
        result = kerf(
            "convert", path, outputs / "x.gguf", "--to", preset.upper(), "--dry-run", "--json",
            *more)
        chosen = {row["name"]: row["format"] for row in json.loads(result.out)["tensors"]}
        assert brief(chosen, MODELS[name].tensors()) == golden[name][key][preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_public_readers_accept_it(preset, golden, files, kerf, outputs, tmp_path):
    """The gguf package reads the file; llama-quantize, which loads models as llama.cpp does,
    copies it unchanged; llama-bench computes with it."""
    name = "mixtral" if preset == "mxfp4_moe" else "llama"
    needs(kerf, golden[name]["choices"][preset])
    source = tmp_path / "small.gguf"
    model = Llama(
        layers=3, vocabulary=300, experts=8 if name == "mixtral" else 0)
    model.write(source)
    target = outputs / "x.gguf"
    report = json.loads(kerf("convert", source, target, "--to", preset, "--json").out)
    reader = gguf.GGUFReader(target)
    assert reader.get_field("general.file_type").contents() == gguf.LlamaFileType[
        "MOSTLY_" + preset.upper()]
    found = {tensor.name: tensor for tensor in reader.tensors}
    for row in report["tensors"]:
        tensor = found[row["name"]]
        assert tensor.tensor_type.name.lower() == row["format"].lower()
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        assert np.isfinite(values).all()
        if row["mse"] is not None and row["format"] not in ["f16", "bf16"]:
            assert row["mse"] < 0.05**2 * 0.2
    if llama.tool("llama-quantize") is None:
        pytest.skip("read by gguf; there is no llama-quantize to read it as well")
    llama.run("llama-quantize", target, outputs / "copy.gguf", "COPY")
    copied = read_gguf(outputs / "copy.gguf")
    for name, tensor in found.items():
        assert copied[name].tensor_type == tensor.tensor_type
        assert np.array_equal(copied[name].data, tensor.data)
    if llama.tool("llama-bench"):
        # Repacked weights may go to the CPU's unit for tiles, which some virtual machines announce
        # and do not permit: llama-bench dies there of any file.
        words = llama.run(
            "llama-bench", "-m", target, "-p", 8, "-n", 4, "-r", 1, "-t", 2, "--repack", 0)
        assert "pp8" in words and "tg4" in words
