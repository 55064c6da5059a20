"""What is in a file: parameters of models that are known, sizes that convert agrees with, statistics
that NumPy agrees with."""

import csv
import io
import json
import math
import os
import struct
import time

import gguf
import numpy as np
import pytest

from containers import bf16_bits, bf16_values, read_safetensors, safetensors_bytes
from llama import Llama

MODELS = {
    "7B": Llama(layers=32, heads=32, key_value_heads=32, width=4096, forward=11008,
                vocabulary=32000),
    "70B": Llama(layers=80, heads=64, key_value_heads=8, width=8192, forward=28672,
                 vocabulary=32000),
    "8x7B": Llama(layers=32, heads=32, key_value_heads=8, width=4096, forward=14336,
                  vocabulary=32000, experts=8),
}
# Total and active parameters, as the models' own makers count them.
COUNTS = {
    "7B": (6_738_415_616, 6_738_415_616),
    "70B": (68_976_648_192, 68_976_648_192),
    "8x7B": (46_702_792_704, 12_879_925_248),
}


def inspect(kerf, *arguments):
    return json.loads(kerf("inspect", *arguments, "--json").out)


def hub_names(tensors):
    """{name: shape} of a model by the hub's names, experts one by one."""
    parts = {
        "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj", "ffn_gate_inp": "block_sparse_moe.gate"}
    experts = {"ffn_gate_exps": "w1", "ffn_down_exps": "w2", "ffn_up_exps": "w3"}
    outside = {
        "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    found = {}
    for name, shape in tensors.items():
        words = name.split(".")
        if words[0] != "blk":
            found[outside[words[0]] + ".weight"] = shape
        elif words[2] in experts:
            for expert in range(shape[0]):
                found[f"model.layers.{words[1]}.block_sparse_moe.experts.{expert}."
                      f"{experts[words[2]]}.weight"] = shape[1:]
        else:
            found[f"model.layers.{words[1]}.{parts[words[2]]}.weight"] = shape
    return found


def write_sparse_safetensors(path, tensors, dtype="BF16", size=2):
    """The file without its data, which takes no room on the disk."""
    header, end = {}, 0
    for name, shape in tensors.items():
        begin, end = end, end + math.prod(shape) * size
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    os.truncate(path, 8 + len(text) + end)
    return path


def write_config(path, **values):
    path.with_name("config.json").write_text(json.dumps(values))


@pytest.mark.parametrize("naming", ["gguf", "hub"])
@pytest.mark.parametrize("name", MODELS)
def test_known_models(name, naming, kerf, tmp_path):
    model = MODELS[name]
    if naming == "gguf":
        path = model.write_sparse(tmp_path / "model.gguf")
    else:
        path = write_sparse_safetensors(
            tmp_path / "model.safetensors", hub_names(model.tensors()))
        write_config(
            path, model_type="mixtral" if model.experts else "llama",
            num_hidden_layers=model.layers, num_attention_heads=model.heads,
            num_key_value_heads=model.key_value_heads, tie_word_embeddings=False,
            **({"num_local_experts": 8, "num_experts_per_tok": 2} if model.experts else {}))
    started = time.monotonic()
    report = inspect(kerf, path)
    # So much data cannot be read in so little time.
    assert time.monotonic() - started < 5
    parameters, memory = report["parameters"], report["memory"]
    assert (parameters["total"], parameters["active"]) == COUNTS[name]
    assert sum(parameters["by_role"].values()) == parameters["total"]
    assert memory["f32"] == 4 * parameters["total"]
    assert memory["f16"] == 2 * parameters["total"]
    assert memory["int8"] == parameters["total"]
    assert memory["int4"] == parameters["total"] // 2
    assert 4.5 / 8 * parameters["total"] <= memory["q4_0"] < 4.51 / 8 * parameters["total"]
    roles = parameters["by_role"]
    share = lambda role: roles[role] / parameters["total"]
    if model.experts:
        assert parameters["experts"] == 8 and parameters["experts_used"] == 2
        assert share("expert") > 0.96 and roles["feed_forward"] == 0 and roles["router"] > 0
        assert "12.9 B" in kerf("inspect", path).out and "46.7 B" in kerf("inspect", path).out
    else:
        assert parameters["experts"] is None
        assert 0.6 < share("feed_forward") < (0.7 if name == "7B" else 0.85)
        assert roles["output"] == roles["embedding"] == model.vocabulary * model.width


def test_sample_model(kerf, model, weights):
    report = inspect(kerf, model)
    trained = sum(array.size for array in weights.values() if array.dtype.kind == "f")
    assert report["parameters"]["total"] == report["parameters"]["active"] == trained
    assert report["parameters"]["constants"] == 512
    assert report["parameters"]["by_role"]["attention"] == 6 * 4 * 384 * 384
    assert report["parameters"]["by_role"]["feed_forward"] == 6 * 2 * 384 * 1536
    assert report["parameters"]["by_role"]["output"] == 0
    assert report["architecture"] == "bert" or report["architecture"] is None
    assert [row["name"] for row in report["tensors"]] == list(read_safetensors(model)[0]) or len(
        report["tensors"]) == len(weights)
    text = kerf("inspect", model).out
    assert "22,713,216" in text and "dense" in text and "\x1b" not in text


def test_gpt2(kerf, tmp_path):
    """Its hub file has masks, which nobody trained, and no output beside the embedding."""
    tensors = {"wte.weight": (50257, 768), "wpe.weight": (1024, 768)}
    for layer in range(12):
        head = f"h.{layer}."
        tensors |= {
            head + "ln_1.weight": (768,), head + "ln_1.bias": (768,),
            head + "attn.bias": (1, 1, 1024, 1024), head + "attn.c_attn.weight": (768, 2304),
            head + "attn.c_attn.bias": (2304,), head + "attn.c_proj.weight": (768, 768),
            head + "attn.c_proj.bias": (768,), head + "ln_2.weight": (768,),
            head + "ln_2.bias": (768,), head + "mlp.c_fc.weight": (768, 3072),
            head + "mlp.c_fc.bias": (3072,), head + "mlp.c_proj.weight": (3072, 768),
            head + "mlp.c_proj.bias": (768,)}
    tensors |= {"ln_f.weight": (768,), "ln_f.bias": (768,)}
    path = write_sparse_safetensors(tmp_path / "model.safetensors", tensors, "F32", 4)
    parameters = inspect(kerf, path)["parameters"]
    assert parameters["total"] == parameters["active"] == 124_439_808
    assert parameters["constants"] == 12 * 1024 * 1024
    assert parameters["by_role"]["feed_forward"] == 12 * 2 * 768 * 3072
    assert parameters["by_role"]["other"] == 0


def test_an_output_that_is_the_embedding_counts_once(kerf, tmp_path):
    tensors = {"model.embed_tokens.weight": (64, 32), "lm_head.weight": (64, 32)}
    path = write_sparse_safetensors(tmp_path / "model.safetensors", tensors)
    assert inspect(kerf, path)["parameters"]["total"] == 2 * 64 * 32
    write_config(path, model_type="gemma", tie_word_embeddings=True)
    parameters = inspect(kerf, path)["parameters"]
    assert parameters["total"] == parameters["duplicates"] == 64 * 32 and parameters["tied"]
    assert "embedding once more" in kerf("inspect", path).out
    tied = Llama(tied=True).write_sparse(tmp_path / "tied.gguf")
    assert inspect(kerf, tied)["parameters"]["tied"]
    assert "embedding is the output" in kerf("inspect", tied).out


@pytest.mark.parametrize("name", ["sample", "misfit", "mixtral"])
def test_sizes_are_those_that_convert_tells(name, kerf, model, tmp_path):
    """To the byte, for every format, with the tensors that fall back."""
    path = model
    if name == "misfit":
        path = Llama(layers=2, width=48, forward=80, heads=4, tied=True).write(
            tmp_path / "misfit.gguf")
    elif name == "mixtral":
        path = Llama(layers=8, heads=8, key_value_heads=2, experts=8).write(tmp_path / "moe.gguf")
    formats = {row["name"]: row for row in json.loads(kerf("formats", "--json").out)["formats"]
               if row["encodable"]}
    mixes = ["q4_K_M", "q3_K_L", "mxfp4_moe"]
    report = inspect(kerf, path, "--format", ",".join([*formats, *mixes]))
    assert [row["format"] for row in report["formats"]] == [*formats, *mixes]
    for row in report["formats"]:
        pure = ["--pure"] if row["format"] in formats else []
        written = json.loads(kerf(
            "convert", path, tmp_path / "x.gguf", "--to", row["format"], *pure, "--dry-run",
            "--json").out)
        assert row["bytes"] == written["total"]["bytes_out"], row
        assert row["bits_per_weight"] == pytest.approx(written["total"]["bits_per_weight"])
        fallbacks = [each for each in written["tensors"] if each["format"] != each["wanted_format"]]
        assert row["fallbacks"] == len(fallbacks), row
        if row["format"] not in ["f32", "f16"]:
            assert report["memory"][row["format"]] == row["bytes"]


def test_groups_take_what_their_blocks_do(kerf, tmp_path):
    arrays = {
        "model.layers.0.mlp.up_proj.weight": np.ones((64, 128), np.float16),
        "model.layers.0.mlp.down_proj.weight": np.ones((128, 72), np.float16),
        "model.norm.weight": np.ones(128, np.float16)}
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors_bytes({name: ("F16", array) for name, array in arrays.items()}))
    report = inspect(kerf, path, "--format", "int4_g64,nf4_g8")
    # Rows of 72 fill no groups of 64, and go on as f16; GGUF has norms in f32.
    assert report["memory"]["int4_g64"] == 64 * 2 * 34 + 128 * 72 * 2 + 128 * 4
    assert report["memory"]["nf4_g8"] == (64 * 16 + 128 * 9) * 8 + 128 * 4
    assert [row["fallbacks"] for row in report["formats"]] == [1, 0]


def expected_statistics(x):
    """As NumPy computes them, in double precision."""
    finite = x[np.isfinite(x)].astype(np.float64)
    mean, deviation = finite.mean(), finite.std()
    distance = finite - mean
    return {
        "finite": finite.size, "zeros": int((finite == 0).sum()), "nan": int(np.isnan(x).sum()),
        "inf": int(np.isinf(x).sum()), "min": finite.min(), "max": finite.max(), "mean": mean,
        "std": deviation, "skewness": (distance**3).mean() / deviation**3,
        "excess_kurtosis": (distance**4).mean() / deviation**4 - 3,
        "outliers": int((np.abs(distance) > 6 * deviation).sum())}


def assert_close(found, x):
    expected = expected_statistics(x)
    for key in ["finite", "zeros", "nan", "inf", "min", "max", "outliers"]:
        assert found[key] == expected[key], key
    assert found["std"] == pytest.approx(expected["std"], rel=1e-10)
    assert abs(found["mean"] - expected["mean"]) <= 1e-10 * max(
        abs(expected["mean"]), 1e-3 * expected["std"])
    assert found["skewness"] == pytest.approx(expected["skewness"], rel=1e-10, abs=1e-12)
    assert found["excess_kurtosis"] == pytest.approx(
        expected["excess_kurtosis"], rel=1e-10, abs=1e-11)


@pytest.fixture(scope="module")
def unlike(tmp_path_factory):
    """Tensors of several kinds: {name: float32 values}, and the file."""
    random = np.random.default_rng(11)
    normal = random.standard_normal((700, 1000)).astype(np.float32) * 0.02
    tails = (random.standard_t(3, (300, 512)) * 0.1).astype(np.float32)
    broken = random.standard_normal((64, 65)).astype(np.float32)
    broken[3, 4], broken[5, 6], broken[7, 8], broken[:, 0] = np.nan, np.inf, -np.inf, 0
    far = (random.standard_normal((512, 1024)) + 1e5).astype(np.float32)
    stored = {
        "normal.weight": ("F32", normal), "tails.weight": ("F16", tails.astype(np.float16)),
        "words.weight": ("BF16", bf16_bits(tails)), "broken.weight": ("F32", broken),
        "far.weight": ("F32", far), "vector.bias": ("F32", normal[0])}
    path = tmp_path_factory.mktemp("unlike") / "model.safetensors"
    path.write_bytes(safetensors_bytes(stored))
    values = {name: array.astype(np.float32) for name, (_, array) in stored.items()}
    values["words.weight"] = bf16_values(stored["words.weight"][1])
    return path, values


@pytest.mark.parametrize("threads", [1, 2])
def test_statistics_agree_with_numpy(threads, kerf, unlike):
    path, values = unlike
    report = inspect(kerf, path, "--statistics", "--threads", threads)
    assert len(report["tensors"]) == len(values)
    for row in report["tensors"]:
        assert_close(row["statistics"], values[row["name"]])


def test_statistics_of_blocks_are_of_what_they_stand_for(kerf, converted):
    path = converted("q4_0", "optimal")
    rows = inspect(
        kerf, path, "--statistics", "--tensors", r"layer\.[02]\.attention.*weight")["tensors"]
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    assert {row["format"] for row in rows} == {"q4_0", "f32"}
    for row in rows:
        tensor = tensors[row["name"]]
        assert_close(row["statistics"], gguf.quants.dequantize(tensor.data, tensor.tensor_type))


def test_histogram(kerf, unlike):
    path, values = unlike
    report = inspect(kerf, path, "--histogram", "--tensors", "^(normal|tails)")
    for row in report["tensors"]:
        x = values[row["name"]].astype(np.float64)
        found = row["statistics"]["histogram"]
        assert found["low"] == pytest.approx(x.mean() - 6 * x.std(), rel=1e-9)
        assert found["high"] == pytest.approx(x.mean() + 6 * x.std(), rel=1e-9)
        counts, _ = np.histogram(x, len(found["counts"]), (found["low"], found["high"]))
        # An element on a border may be rounded to either side.
        assert np.abs(counts - found["counts"]).max() <= 1
        assert found["below"] == (x < found["low"]).sum()
        assert found["above"] == (x > found["high"]).sum()
        assert found["below"] + found["above"] == row["statistics"]["outliers"]
    drawn = kerf("inspect", path, "--histogram", "--log", "--tensors", "^tails").out
    assert "█" in drawn and "past 6σ" in drawn and "tails.weight" in drawn


def test_tensors_and_metadata(kerf, tmp_path):
    path = Llama(vocabulary=300).write(tmp_path / "model.gguf")
    text = kerf("inspect", path, "--tensors", r"blk\.0\.ffn").out
    assert "blk.0.ffn_up.weight" in text and "blk.1.ffn_up.weight" not in text
    assert "blk." not in kerf("inspect", path).out
    assert kerf("inspect", path, "--all").out.count("blk.") == 18
    text = kerf("inspect", path, "--metadata").out
    assert "general.architecture" in text and "300 in all" in text
    metadata = inspect(kerf, path)["metadata"]
    assert metadata["llama.block_count"] == 2
    assert metadata["tokenizer.ggml.tokens"]["count"] == 300
    assert metadata["tokenizer.ggml.tokens"]["first"][:2] == ["<unk>", "<s>"]


def test_csv(kerf, unlike):
    path, values = unlike
    rows = list(csv.DictReader(io.StringIO(kerf("inspect", path, "--csv", "--statistics").out)))
    assert {row["name"] for row in rows} == set(values)
    by_name = {row["name"]: row for row in inspect(kerf, path, "--statistics")["tensors"]}
    for row in rows:
        expected = by_name[row["name"]]
        assert int(row["bytes"]) == expected["bytes"]
        assert float(row["excess_kurtosis"]) == expected["statistics"]["excess_kurtosis"]


def test_names_cannot_steer_the_terminal(kerf, tmp_path):
    path = write_sparse_safetensors(
        tmp_path / "model.safetensors", {"a\x1b[31m\nb.weight": (4, 4)}, "F32", 4)
    text = kerf("inspect", path, "--all", "--statistics").out
    assert "\x1b" not in text and "[31m" in text


@pytest.mark.parametrize("options, words", [
    (["--tensors", "nothing"], "no tensor matches"),
])
def test_refusals(options, words, kerf, tiny):
    result = kerf("inspect", tiny, *options, status=1)
    assert words in result.err and result.out == ""


@pytest.mark.parametrize("options", [
    ["--tensors", "("], ["--json", "--csv"], ["--log"], ["--format", "iq2_xs"],
    ["--format", "nonsense"], ["--all", "--tensors", "a"],
])
def test_wrong_usage(options, kerf, tiny):
    assert kerf("inspect", tiny, *options, status=64).out == ""


def test_a_config_that_is_none(kerf, tiny):
    tiny.with_name("config.json").write_text("{")
    result = kerf("inspect", tiny, status=1)
    assert "config.json" in result.err and len(result.err.splitlines()) == 1
