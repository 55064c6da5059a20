"""`kerf plan`, and conversions to what it plans: memory, mixes, and what they leave."""

import itertools
import json

import gguf
import numpy as np
import pytest

import llama
from containers import safetensors_bytes
from llama import Llama

PRESETS = ["q3_K_M", "q4_K_S", "q4_K_M", "q5_K_M", "q6_K"]
UNEVEN = Llama(layers=3, width=512, forward=768, vocabulary=300, heads=8, key_value_heads=2)


@pytest.fixture(scope="module")
def files(kerf, model, tmp_path_factory):
    """Weight files in GGUF: the sample model, and one of uneven tensors."""
    folder = tmp_path_factory.mktemp("plan")
    kerf("convert", model, folder / "sample.gguf", "--to", "f32")
    UNEVEN.write(folder / "uneven.gguf", np.float32, uneven=True)
    llama.write_importance(folder / "imatrix.gguf", UNEVEN.quantized())
    return folder


def squared_error(report):
    return sum(row["mse"] * row["elements"] for row in report["tensors"] if row["mse"] is not None)


def converted(kerf, source, target, *options):
    return json.loads(kerf("convert", source, target, *options, "--force", "--json").out)


# MARK: Mixes


@pytest.mark.parametrize("name", ["sample", "uneven"])
def test_never_worse_than_presets_of_the_same_size(name, kerf, files, outputs):
    """At the size of each preset's file; figures are those of the files that were written."""
    source = files / f"{name}.gguf"
    print(f"\n{name}: preset, bytes, squared error; of the mix, their ratio")
    for preset in PRESETS:
        theirs, ours = outputs / "preset.gguf", outputs / "mix.gguf"
        preset_error = squared_error(converted(kerf, source, theirs, "--to", preset))
        size = theirs.stat().st_size
        error = squared_error(converted(kerf, source, ours, "--size", size))
        assert ours.stat().st_size <= size
        print(f"{preset} {size} {preset_error:.5g} {error:.5g} {error / preset_error:.3f}")
        assert error <= preset_error


def test_predictions_are_what_conversions_measure(kerf, files, outputs):
    """Tensor by tensor, and in all; the file is as long as the plan says."""
    plan_file, target = outputs / "plan.json", outputs / "x.gguf"
    source = files / "uneven.gguf"
    plan = json.loads(kerf("plan", source, "--bits", 4.6, "--output", plan_file, "--json").out)
    assert json.loads(plan_file.read_text()) == plan
    assert plan["fits"] and plan["measured_share"] == 1
    report = converted(kerf, source, target, "--plan", plan_file)
    assert target.stat().st_size == plan["file_bytes"]
    assert plan["weights_bytes"] == report["total"]["bytes_out"]
    assert report["total"]["bits_per_weight"] <= 4.6
    for planned, row in zip(plan["tensors"], report["tensors"], strict=True):
        for key in ["name", "format", "bytes", "nmse", "sqnr_db"]:
            assert planned[key] == row[key], planned["name"]
    assert plan["total"]["nmse"] == pytest.approx(report["total"]["nmse"], rel=1e-12)
    assert plan["total_error"] == pytest.approx(squared_error(report), rel=1e-12)
    file_type = gguf.GGUFReader(target).get_field("general.file_type").contents()
    assert file_type in list(gguf.LlamaFileType)
    # In one go it is the same file.
    once = outputs / "once.gguf"
    kerf("convert", source, once, "--bits", 4.6)
    assert once.read_bytes() == target.read_bytes()


def test_a_plan_depends_on_nothing_but_its_input(kerf, files):
    plans = []
    basic = ["plan", files / "uneven.gguf", "--bits", 4.2, "--formats", "q8_0,iq4_nl,q3_K", "--json"]
    for options in [[], ["--threads", 1], ["--threads", 3]]:
        plan = json.loads(kerf(*basic, *options).out)
        plan["total"].pop("seconds")
        plan.pop("speed_estimate")
        plans.append(plan)
    assert plans[0] == plans[1] == plans[2]
    plan = kerf(*basic, environment={"KERF_ISA": "baseline"})
    assert json.loads(plan.out)["tensors"] == plans[0]["tensors"]


def test_as_close_as_every_mix_but_for_one_tensor(kerf, outputs, tmp_path):
    """Five tensors in five formats: all 3125 mixes, from what conversions measure."""
    random = np.random.default_rng(4)
    source = tmp_path / "five.safetensors"
    source.write_bytes(safetensors_bytes({
        f"layers.{i}.weight": ("F32", (
            10.0 ** random.uniform(-2, 0) * random.standard_t(4, (int(random.integers(8, 80)), 256))
        ).astype(np.float32)) for i in range(5)}))
    formats = ["q8_0", "q6_K", "q5_K", "q4_K", "q2_K"]
    reports = [
        converted(kerf, source, outputs / "x.gguf", "--to", format)["tensors"]
        for format in formats]
    costs = [
        [(rows[i]["bytes"], rows[i]["mse"] * rows[i]["elements"]) for rows in reports]
        for i in range(5)]
    elements = sum(row["elements"] for row in reports[0])
    for bits in [2.7, 3.1, 4, 4.5, 5, 6, 7.3]:
        budget = bits * elements / 8
        best = min(
            sum(cost for _, cost in mix) for mix in itertools.product(*costs)
            if sum(size for size, _ in mix) <= budget)
        plan = json.loads(kerf(
            "plan", source, "--bits", bits, "--formats", ",".join(formats), "--json").out)
        assert plan["weights_bytes"] <= budget
        chosen = [row["format"] for row in plan["tensors"]]
        left = sum(costs[i][formats.index(format)][1] for i, format in enumerate(chosen))
        assert left == pytest.approx(plan["total_error"], rel=1e-12)
        step = max(max(cost for _, cost in each) for each in costs)
        assert left <= best + step
        # In fact it is the best.
        assert left == pytest.approx(best, rel=1e-9), bits


def test_bounds(kerf, files):
    plan = json.loads(kerf(
        "plan", files / "uneven.gguf", "--bits", 5, "--keep", "^output", "--min", "attn_v=q6_K",
        "--max", "ffn_up=q4_K", "--tensor", "ffn_gate=q5_0", "--json").out)
    bits = {"attn_v": (6.5625, 32), "ffn_up": (0, 4.5), "ffn_gate": (5.5, 5.5)}
    for row in plan["tensors"]:
        if row["name"].startswith("output"):
            assert row["format"] == row["source_format"] == "f32"
        for part, (least, most) in bits.items():
            if part in row["name"]:
                assert least <= row["bits_per_weight"] <= most


def test_importance_counts(kerf, files, outputs):
    """Weighted by importance, the mix leaves less than the preset and than the mix without it."""
    source, importance = files / "uneven.gguf", files / "imatrix.gguf"
    kerf("convert", source, outputs / "preset.gguf", "--to", "q4_K_M", "--no-measure")
    size = (outputs / "preset.gguf").stat().st_size
    plan = json.loads(kerf(
        "plan", source, "--size", size, "--importance", importance, "--json").out)
    assert plan["weighted"]
    preset = next(row for row in plan["presets"] if row["name"] == "q4_K_M")
    assert plan["total_error"] < preset["total_error"]
    report = converted(
        kerf, source, outputs / "x.gguf", "--size", size, "--importance", importance)
    for planned, row in zip(plan["tensors"], report["tensors"], strict=True):
        assert planned["format"] == row["format"] and planned["nmse"] == row["nmse"]


def test_samples_say_so(kerf, files):
    plan = json.loads(kerf(
        "plan", files / "uneven.gguf", "--bits", 4.5, "--sample", "10%", "--seed", 7, "--json").out)
    assert 0.05 < plan["measured_share"] < 0.6 and plan["seed"] == 7
    whole = json.loads(kerf("plan", files / "uneven.gguf", "--bits", 4.5, "--json").out)
    assert plan["total_error"] == pytest.approx(whole["total_error"], rel=0.1)
    assert "sample" in kerf("plan", files / "uneven.gguf", "--bits", 4.5, "--sample", "10%").out


# MARK: Budgets


def test_sizes_are_kept_to_the_byte(kerf, files, outputs):
    source = files / "uneven.gguf"
    least = json.loads(kerf("plan", source, "--size", "1kB", "--json", status=1).out)
    assert not least["fits"]
    smallest = least["smallest_budget_bytes"]
    kerf("convert", source, outputs / "least.gguf", "--size", smallest)
    assert (outputs / "least.gguf").stat().st_size == smallest
    result = kerf("convert", source, outputs / "x.gguf", "--size", smallest - 1, status=1)
    assert len(result.err.splitlines()) == 1 and f"{smallest:,} bytes" in result.err
    assert not (outputs / "x.gguf").exists()
    everything = json.loads(kerf("plan", source, "--size", "1GB", "--json").out)
    assert everything["total_error"] == 0
    assert {row["format"] for row in everything["tensors"]} == {"f32"}


def test_nothing_fits(kerf, files):
    """One line that says what would, and nothing is kept in a file."""
    result = kerf("plan", files / "uneven.gguf", "--memory", "1MB", status=1)
    assert result.out == "" and len(result.err.splitlines()) == 1
    assert "nothing fits 1.0 MB of memory" in result.err and "keys and values" in result.err
    plan = json.loads(kerf("plan", files / "uneven.gguf", "--memory", "1MB", "--json", status=1).out)
    assert not plan["fits"] and plan["smallest_budget_bytes"] > 1e6
    fitting = json.loads(kerf(
        "plan", files / "uneven.gguf", "--memory", plan["smallest_budget_bytes"], "--json").out)
    assert fitting["fits"]
    assert fitting["memory_bytes"] == plan["smallest_budget_bytes"]


def test_memory_is_itemised(kerf, files):
    plan = json.loads(kerf("plan", files / "uneven.gguf", "--memory", "80MB", "--json").out)
    items = plan["weights_bytes"] + plan["kv_cache_bytes"] + plan["overhead_bytes"]
    assert items == plan["memory_bytes"] <= plan["budget_bytes"] == 80_000_000
    # The model was made for 128 tokens.
    assert plan["context"] == 128
    assert plan["kv_cache_bytes"] == 3 * 128 * 2 * 64 * 2 * 2
    for preset in plan["presets"]:
        assert preset["fits"] == (preset["memory_bytes"] <= 80_000_000)
    text = kerf("plan", files / "uneven.gguf", "--memory", "80MB").out
    for word in ["keys and values", "activations", "what fits", "q4_K_M", "estimate"]:
        assert word in text


def hub(layers, heads, key_value_heads, **more):
    return {
        "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": key_value_heads, **more}


MISTRAL = hub(32, 32, 8, model_type="mistral", hidden_size=4096)
# config.json, options, bytes of keys and values.
HUB_CACHES = {
    "Llama 2 7B": (hub(32, 32, 32, model_type="llama", hidden_size=4096), [4096], 2 << 30),
    "Llama 3 8B": (hub(32, 32, 8, model_type="llama", hidden_size=4096), [8192], 1 << 30),
    "Llama 3 8B q8_0": (
        hub(32, 32, 8, model_type="llama", hidden_size=4096), [8192, "--kv", "q8_0"],
        (1 << 30) * 34 // 64),
    "Mixtral": (
        hub(32, 32, 8, model_type="mixtral", hidden_size=4096, sliding_window=None), [32768],
        4 << 30),
    "Mistral 0.1": ({**MISTRAL, "sliding_window": 4096}, [32768], 1 << 29),
    "Mistral 0.2": ({**MISTRAL, "sliding_window": None}, [32768], 4 << 30),
    "Qwen 2": (
        hub(28, 28, 4, model_type="qwen2", hidden_size=3584, sliding_window=131072,
            use_sliding_window=False, max_window_layers=28), [32768, "--batch", 2],
        2 * 28 * 32768 * 4 * 128 * 2 * 2),
    "Gemma 2 9B": (
        hub(42, 16, 8, model_type="gemma2", hidden_size=3584, head_dim=256, sliding_window=4096),
        [8192], 21 * (8192 + 4096) * 8 * 512 * 2),
    "Gemma 3, layers named": (
        hub(6, 8, 4, model_type="gemma3_text", head_dim=256, sliding_window=1024,
            layer_types=["sliding_attention"] * 5 + ["full_attention"]),
        [4096], (5 * 1024 + 4096) * 4 * 512 * 2),
    "DeepSeek V2 Lite": (
        hub(27, 16, 16, model_type="deepseek_v2", hidden_size=2048, kv_lora_rank=512,
            qk_rope_head_dim=64, v_head_dim=128), [4096], 27 * 4096 * 576 * 2),
    "inside a model that sees": (
        {"model_type": "gemma3", "text_config": hub(6, 8, 4, head_dim=256, sliding_window=1024)},
        [4096], (5 * 1024 + 4096) * 4 * 512 * 2),
    "BERT": (hub(12, 12, 12, model_type="bert", hidden_size=768), [512], 0),
    "Mamba": (hub(12, 12, 12, model_type="mamba2", hidden_size=768), [512], None),
    "Qwen 3 next": (
        hub(4, 8, 2, model_type="qwen3_next", head_dim=256,
            layer_types=["linear_attention", "full_attention"] * 2), [512], None),
    "no words": ({"model_type": "llama"}, [512], None),
}


@pytest.mark.parametrize("name", HUB_CACHES)
def test_keys_and_values_of_the_hub(name, kerf, tiny):
    config, (context, *options), expected = HUB_CACHES[name]
    (tiny.parent / "config.json").write_text(json.dumps(config))
    plan = json.loads(kerf(
        "plan", tiny, "--memory", 1, "--context", context, *options, "--json", status=1).out)
    assert plan["kv_cache_bytes"] == expected
    assert (plan["kv_cache_unknown"] is None) == (expected is not None)
    if expected is None:
        result = kerf("plan", tiny, "--memory", "1GB", "--context", context, *options)
        assert "not counted" in result.out and "not counted" in result.err


def keys(architecture, layers, heads, key_value_heads, **more):
    found = {
        "block_count": layers, "attention.head_count": heads,
        "attention.head_count_kv": key_value_heads}
    found |= {key.replace("__", "."): value for key, value in more.items()}
    return {f"{architecture}.{key}": value for key, value in found.items()}


GGUF_CACHES = {
    "Llama 3 8B": (keys("llama", 32, 32, 8, embedding_length=4096), 8192, 1 << 30),
    "Gemma 2 9B": (
        keys("gemma2", 42, 16, 8, embedding_length=3584, attention__key_length=256,
             attention__value_length=256, attention__sliding_window=4096),
        8192, 21 * (8192 + 4096) * 8 * 512 * 2),
    "a pattern in words": (
        keys("whatever", 4, 8, 2, attention__key_length=64, attention__value_length=32,
             attention__sliding_window=512,
             attention__sliding_window_pattern=[True, False, True, True]),
        4096, (3 * 512 + 4096) * 2 * 96 * 2),
    "a window that nobody looks through": (
        keys("llama", 32, 32, 8, embedding_length=4096, attention__sliding_window=1024),
        8192, 1 << 30),
    "DeepSeek V2 Lite": (
        keys("deepseek2", 27, 16, 16, attention__kv_lora_rank=512, rope__dimension_count=64,
             attention__key_length=192, attention__value_length=128),
        4096, 27 * 4096 * 576 * 2),
    "heads that differ": (
        keys("deci", 3, 8, [4, 0, 2], attention__key_length=64, attention__value_length=64),
        1000, 1000 * 6 * 128 * 2),
    "a state": (keys("jamba", 4, 8, 2, embedding_length=512, ssm__state_size=16), 1000, None),
    "absurd": (keys("llama", 1 << 40, 8, 2, embedding_length=512), 1000, None),
}


@pytest.mark.parametrize("name", GGUF_CACHES)
def test_keys_and_values_of_gguf(name, kerf, tmp_path):
    found, context, expected = GGUF_CACHES[name]
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, next(iter(found)).split(".")[0])
    for key, value in found.items():
        if isinstance(value, list):
            writer.add_array(key, value)
        else:
            writer.add_uint64(key, value)
    writer.add_tensor("blk.0.attn_q.weight", np.ones((8, 256), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    plan = json.loads(kerf(
        "plan", path, "--memory", 1, "--context", context, "--json", status=1).out)
    assert plan["kv_cache_bytes"] == expected
    assert (plan["kv_cache_unknown"] is None) == (expected is not None)


# MARK: Refusals


def test_a_plan_is_of_one_file(kerf, files, tiny, outputs):
    """Another file, or one that has changed, is refused."""
    plan = outputs / "plan.json"
    kerf("plan", tiny, "--bits", 5, "--output", plan)
    result = kerf("convert", files / "uneven.gguf", outputs / "x.gguf", "--plan", plan, status=1)
    assert "the plan is of another file" in result.err and len(result.err.splitlines()) == 1
    tiny.write_bytes(safetensors_bytes({
        "blk.0.weight": ("F32", np.ones((8, 96), np.float32))}))
    result = kerf("convert", tiny, outputs / "x.gguf", "--plan", plan, status=1)
    assert "[8, 64] in the plan, and [8, 96] in the file" in result.err
    assert not (outputs / "x.gguf").exists()


@pytest.mark.parametrize("text, words", [
    ("", "plan.json"), ("[]", "no plan"), ('{"tensors": 1}', "no plan"),
    ('{"tensors": [{"name": "blk.0.weight", "shape": [8, -64], "format": "q4_0"}]}', "shape"),
    ('{"tensors": [{"name": "blk.0.weight", "shape": [8, 64], "format": "q4_9"}]}', "q4_9"),
    ('{"tensors": [{"name": "blk.0.weight", "shape": [8, 64]}]}', "format"),
    ('{"fits": false, "tensors": []}', "nothing fits"),
    ('{"tensors": []}', "no tensor"),
])
def test_files_that_are_no_plans(text, words, kerf, tiny, outputs):
    plan = outputs / "plan.json"
    plan.write_text(text)
    result = kerf("convert", tiny, outputs / "x.gguf", "--plan", plan, status=1)
    assert words in result.err and len(result.err.splitlines()) == 1


@pytest.mark.parametrize("options", [
    [], ["--memory", "8GiB", "--size", "5GB"], ["--memory", "8G"], ["--memory", "-1GB"],
    ["--bits", "0"], ["--bits", "nan"], ["--bits", "4", "--context", "0"],
    ["--bits", "4", "--kv", "q4_0"], ["--bits", "4", "--formats", "iq1_s"],
    ["--bits", "4", "--keep", "("], ["--bits", "4", "--min", "q4_K"],
    ["--bits", "4", "--max", "a=q9"], ["--bits", "4", "--sample", "0"],
])
def test_wrong_usage(options, kerf, tiny):
    assert kerf("plan", tiny, *options, status=64).out == ""


@pytest.mark.parametrize("options", [
    [], ["--to", "q4_0", "--size", "5GB"], ["--to", "q4_0", "--plan", "x.json"],
    ["--to", "q4_0", "--keep", "output"], ["--size", "5GB", "--pure"],
])
def test_wrong_usage_of_convert(options, kerf, tiny, outputs):
    kerf("convert", tiny, outputs / "x.gguf", *options, status=64)


@pytest.mark.parametrize("options, words", [
    (["--keep", "nothing"], "--keep: no tensor matches"),
    (["--min", "nothing=q4_0"], "--min: no tensor matches"),
    (["--min", "blk=q8_0", "--max", "blk=q4_0"], "no format is left"),
])
def test_bounds_that_make_no_sense(options, words, kerf, tiny):
    result = kerf("plan", tiny, "--bits", 5, *options, status=1)
    assert words in result.err and len(result.err.splitlines()) == 1


def test_plans_for_safetensors(kerf, model, outputs):
    """Such files hold no blocks, so there is nothing smaller than halves; that is said."""
    result = kerf("plan", model, "--memory", "10MB", "--container", "safetensors", status=1)
    assert "nothing fits" in result.err
    size = 60_000_000
    report = converted(kerf, model, outputs / "x.safetensors", "--size", size)
    assert (outputs / "x.safetensors").stat().st_size <= size
    assert {row["format"] for row in report["tensors"]} <= {"f32", "f16", "bf16", "i64"}
    result = kerf("plan", model, "--size", size, "--container", "safetensors")
    assert "nothing smaller than f16" in result.err
