"""`kerf measure` says what NumPy computes, and finds the same tensors under other names.

The files of each family are written here as the hub has them, and with what llama.cpp's converter
does to names and elements. Rounding to f16 is the only loss, so whatever is matched or arranged
wrongly shows at once.
"""

import json
import math

import gguf
import numpy as np
import pytest

from conftest import assert_refused, read_gguf, values
from containers import safetensors_bytes
from test_decoding import SCALES, blocks

FIGURES = [
    "mse", "rmse", "nmse", "sqnr_db", "max_abs_error", "mean_abs_error", "cosine", "bias"]
BLOCKS = [
    "q8_0", "q6_K", "q5_1", "q5_0", "q5_K", "q4_1", "q4_0", "q4_K", "iq4_nl", "iq4_xs", "q3_K",
    "q2_K", "mxfp4", "nvfp4", "tq2_0", "tq1_0"]
WIDTH, FORWARD, HEADS, KEY_HEADS, HEAD, WORDS, LAYERS, EXPERTS = 64, 96, 4, 2, 16, 40, 2, 3


def measured(kerf, *arguments, status=0):
    report = json.loads(kerf("measure", *arguments, "--json", status=status).out)
    return report, {row["name"]: row for row in report["tensors"]}


CHUNK = 1 << 16


# Equal names


@pytest.mark.parametrize("format", [*BLOCKS, "f16", "bf16"])
def test_rows_are_those_of_convert(format, kerf, layer, outputs):
    """What convert reports of its work, measure finds in the files, to the last bit."""
    rounding = ["--rounding", "reference"] if format in ["q4_0", "q6_K"] else []
    target = outputs / "x.gguf"
    made = json.loads(
        kerf("convert", layer, target, "--to", format, "--pure", "--json", *rounding).out)
    found, rows = measured(kerf, layer, target)
    assert [row["name"] for row in made["tensors"]] == list(rows)
    same = [
        "shape", "elements", "source_format", "format", "bytes", "source_bytes", "non_finite",
        "overflowed", *FIGURES]
    for row in made["tensors"]:
        assert {key: row[key] for key in same} == {key: rows[row["name"]][key] for key in same}
    for key in set(made["total"]) - {"seconds"}:
        assert made["total"][key] == found["total"][key], key


def test_model_beside_its_conversion(kerf, model, converted):
    report, rows = measured(kerf, model, converted("q4_0", "optimal"))
    assert report["unmatched"] == {"reference": [], "candidate": [], "reasons": {}}
    assert rows["embeddings.position_ids"]["note"] == "bytes of i64 that are the same"
    assert rows["embeddings.position_ids"]["mse"] is None
    for row in rows.values():
        assert row["candidate_name"] == row["name"]
        if row["format"] == "q4_0" and row["nmse"]:
            # Errors that nothing correlates with make a product's error that of the weights.
            assert 0.5 < row["matmul_error"] / math.sqrt(row["nmse"]) < 1.5
            assert 0.5 < row["matmul_error_outliers"] / row["matmul_error"] < 2


def test_threads_and_instruction_sets(kerf, layer, outputs):
    target = outputs / "x.gguf"
    kerf("convert", layer, target, "--to", "q4_K_M")
    texts = set()
    for environment in [{}, {"KERF_ISA": "baseline"}]:
        for threads in [1, 3]:
            result = kerf(
                "measure", layer, target, "--threads", threads, "--json", environment=environment)
            report = json.loads(result.out)
            del report["isa"], report["total"]["seconds"]
            texts.add(json.dumps(report))
    assert len(texts) == 1


def figures(x, y):
    """The figures of two arrays of any size, piece by piece: those stay in the cache."""
    x, y = x.reshape(-1), y.reshape(-1)
    sums, largest = [[] for _ in range(6)], 0
    for start in range(0, x.size, CHUNK):
        a = x[start : start + CHUNK].astype(np.float64)
        b = y[start : start + CHUNK].astype(np.float64)
        e = b - a
        largest = max(largest, np.max(np.abs(e)))
        # Not `@`, whose threads would wait for each other at every piece.
        parts = [np.sum(f) for f in (e * e, a * a, b * b, np.abs(e), e, a * b)]
        for sum, part in zip(sums, parts):
            sum.append(part)
    error, signal, other, absolute, bias, product = map(math.fsum, sums)
    return {
        "mse": error / x.size, "rmse": math.sqrt(error / x.size), "nmse": error / signal,
        "sqnr_db": -10 * math.log10(error / signal), "max_abs_error": largest,
        "mean_abs_error": absolute / x.size, "cosine": product / math.sqrt(signal * other),
        "bias": bias / x.size}


def test_hundred_million_elements(kerf, tmp_path):
    """Figures of a large tensor are NumPy's to twelve digits."""
    rows, columns = 25_000, 4000
    random = np.random.default_rng(3)
    x = (random.standard_normal(rows * columns // 20, np.float32) * 0.02).astype(np.float16)
    # Each of twenty parts is another shift of the same numbers, and the stand-in's lowest bits are
    # others.
    x = np.concatenate([np.roll(x, 7 * part) for part in range(20)])
    y = (x.view(np.uint16) ^ np.tile(random.integers(0, 32, 1_000_000, np.uint16), 100)).view(
        np.float16)
    paths = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    for path, array in zip(paths, (x, y)):
        header = safetensors_bytes(
            {"w.weight": ("F16", np.empty((0, columns), np.float16))}, header=lambda entries: (
                entries["w.weight"].update(shape=[rows, columns], data_offsets=[0, array.nbytes])))
        with open(path, "wb") as file:
            file.write(header)
            file.write(array.data)
    _, found = measured(kerf, *paths)
    expected = figures(x, y)
    for key in FIGURES:
        assert found["w.weight"][key] == pytest.approx(expected[key], rel=1e-12, abs=0), key


@pytest.mark.parametrize("format", SCALES)
def test_every_format_that_is_read(format, kerf, tmp_path):
    """Any blocks, beside numbers that are smaller by a quarter."""
    type = gguf.GGMLQuantizationType[format.upper()]
    data = blocks(format, type)[19:]
    writer = gguf.GGUFWriter(tmp_path / "y.gguf", "llama")
    writer.add_tensor("w.weight", data, raw_dtype=type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with np.errstate(all="ignore"):
        y = gguf.quants.dequantize(data, type)
    finite = np.isfinite(y)
    x = np.where(finite, y, 1) * np.float32(0.75)
    (tmp_path / "x.safetensors").write_bytes(safetensors_bytes({"w.weight": ("F32", x)}))
    _, rows = measured(kerf, tmp_path / "x.safetensors", tmp_path / "y.gguf")
    row = rows["w.weight"]
    assert row["format"] == format and row["overflowed"] == np.sum(~finite)
    expected = figures(x[finite], y[finite])
    for key in FIGURES[:-1]:
        assert row[key] == pytest.approx(expected[key], rel=1e-12, abs=0), key
    assert abs(row["bias"] - expected["bias"]) <= 1e-12 * expected["mean_abs_error"]


def test_cosine_near_zero(kerf, tmp_path):
    """Of directions that have nothing to do with each other, the cosine is right in absolute terms:
    it comes from the lengths of the three sides."""
    random = np.random.default_rng(4)
    x, y = random.standard_normal((2, 300, 500), np.float32)
    y -= (x.ravel() @ y.ravel()) / (x.ravel() @ x.ravel()) * x
    for path, array in [("x", x), ("y", y)]:
        (tmp_path / f"{path}.safetensors").write_bytes(
            safetensors_bytes({"w.weight": ("F32", array)}))
    _, found = measured(kerf, tmp_path / "x.safetensors", tmp_path / "y.safetensors")
    expected = figures(x, y)
    assert abs(expected["cosine"]) < 1e-4
    assert abs(found["w.weight"]["cosine"] - expected["cosine"]) < 1e-15
    assert found["w.weight"]["nmse"] == pytest.approx(expected["nmse"], rel=1e-12)


# Products


def activations(columns, outliers):
    """The X of the documentation: 8 rows, twelve uniform numbers each, an outlier in a hundred."""
    state, mask = 0x6B657266, (1 << 64) - 1

    def draw():
        nonlocal state
        state = state + 0x9E3779B97F4A7C15 & mask
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31

    x = np.zeros((8, columns))
    chosen = []
    for column in range(columns):
        if column % 100 == 0:
            offset = draw() % 100
            chosen.append(column + (offset % min(columns, 100) if column == 0 else offset))
        for row in range(8):
            words = [draw() for _ in range(3)]
            x[row, column] = sum(w >> s & 0xFFFF for w in words for s in (0, 16, 32, 48))
    x = (2 * x - 12 * 0xFFFF) / 2**17
    if outliers:
        x[:, [column for column in chosen if column < columns]] *= 30
    return x


@pytest.mark.parametrize("shape", [(5, 32), (70, 320), (3, 9600), (700, 416)])
def test_products(shape, kerf, tmp_path):
    random = np.random.default_rng(5)
    x = random.standard_normal(shape, np.float32)
    source, target = tmp_path / "x.safetensors", tmp_path / "y.gguf"
    source.write_bytes(safetensors_bytes({"w.weight": ("F32", x)}))
    kerf("convert", source, target, "--to", "q4_0", "--pure")
    _, rows = measured(kerf, source, target)
    y = values(read_gguf(target)["w.weight"])
    for key, outliers in [("matmul_error", False), ("matmul_error_outliers", True)]:
        a = activations(shape[1], outliers)
        assert outliers or abs(a.std() - 1) < 0.1
        expected = np.linalg.norm(a @ (x.astype(float) - y).T) / np.linalg.norm(a @ x.T.astype(float))
        assert rows["w.weight"][key] == pytest.approx(expected, rel=1e-5), key
    _, rows = measured(kerf, source, target, "--no-matmul")
    assert "matmul_error" not in rows["w.weight"]


# Names of GGUF and of the hub


def pairs(array, heads):
    """Rows as llama.cpp's converter has them: those that rotate together are neighbours."""
    shape = array.shape
    return array.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


class Family:
    """A small model of a family: tensors of the hub, and what they become in GGUF."""

    def __init__(self, architecture, model_type=None, prefix="model."):
        self.architecture = architecture
        self.model_type = model_type or architecture
        self.prefix = prefix
        self.random = np.random.default_rng(6)
        self.hub = {}
        self.gguf = {}

    def array(self, *shape):
        return self.random.standard_normal(shape, np.float32)

    def add(self, hub, name, *shape, change=lambda array: array):
        array = self.array(*shape)
        self.hub[hub] = array
        self.gguf[name] = np.ascontiguousarray(change(array))

    def around(self, norms, output=True, change=lambda array: array):
        self.add(self.prefix + "embed_tokens.weight", "token_embd.weight", WORDS, WIDTH)
        self.add(self.prefix + norms, "output_norm.weight", WIDTH, change=change)
        if output:
            self.add("lm_head.weight", "output.weight", WORDS, WIDTH)

    def layers(self):
        for layer in range(LAYERS):
            yield f"{self.prefix}layers.{layer}.", f"blk.{layer}."

    def attention(self, hub, block, change=lambda heads: lambda array: array, bias=False):
        for word, short, heads in [("q", "q", HEADS), ("k", "k", KEY_HEADS), ("v", "v", KEY_HEADS)]:
            here = change(heads) if word != "v" else lambda array: array
            names = f"{hub}self_attn.{word}_proj", f"{block}attn_{short}"
            self.add(names[0] + ".weight", names[1] + ".weight", heads * HEAD, WIDTH, change=here)
            if bias:
                self.add(names[0] + ".bias", names[1] + ".bias", heads * HEAD, change=here)
        self.add(hub + "self_attn.o_proj.weight", block + "attn_output.weight", WIDTH, HEADS * HEAD)

    def gated(self, hub, block, ending=""):
        for word in ["gate", "up"]:
            self.add(
                f"{hub}{word}_proj.weight", f"{block}ffn_{word}{ending}.weight", FORWARD, WIDTH)
        self.add(hub + "down_proj.weight", block + f"ffn_down{ending}.weight", WIDTH, FORWARD)

    def experts(self, hub, block, words):
        for word, name in words.items():
            shape = (WIDTH, FORWARD) if name == "down" else (FORWARD, WIDTH)
            arrays = [self.array(*shape) for _ in range(EXPERTS)]
            for expert, array in enumerate(arrays):
                self.hub[f"{hub}{expert}.{word}.weight"] = array
            self.gguf[f"{block}ffn_{name}_exps.weight"] = np.stack(arrays)

    def write(self, folder, config=True, keys=True, dtype=np.float16):
        hub = folder / "model.safetensors"
        hub.write_bytes(safetensors_bytes(
            {name: ("F32", array) for name, array in self.hub.items()}))
        if config:
            (folder / "config.json").write_text(json.dumps({
                "model_type": self.model_type, "num_attention_heads": HEADS,
                "num_key_value_heads": KEY_HEADS, "num_hidden_layers": LAYERS}))
        path = folder / "model.gguf"
        writer = gguf.GGUFWriter(path, self.architecture if keys else "unheard")
        if keys:
            writer.add_head_count(HEADS)
            writer.add_head_count_kv(KEY_HEADS)
        for name, array in self.gguf.items():
            writer.add_tensor(name, array.astype(dtype) if array.ndim > 1 else array)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return hub, path


def llama_family(model_type="llama", bias=False):
    family = Family("llama", model_type)
    family.around("norm.weight")
    for hub, block in family.layers():
        family.attention(
            hub, block, lambda heads: lambda array: pairs(array, heads), bias=bias)
        family.add(hub + "input_layernorm.weight", block + "attn_norm.weight", WIDTH)
        family.add(hub + "post_attention_layernorm.weight", block + "ffn_norm.weight", WIDTH)
        if model_type == "mixtral":
            family.add(
                hub + "block_sparse_moe.gate.weight", block + "ffn_gate_inp.weight", EXPERTS, WIDTH)
            family.experts(
                hub + "block_sparse_moe.experts.", block, {"w1": "gate", "w3": "up", "w2": "down"})
        else:
            family.gated(hub + "mlp.", block)
    return family


def qwen_family(architecture, model_type=None):
    family = Family(architecture, model_type)
    family.around("norm.weight", output="moe" in architecture)
    for hub, block in family.layers():
        family.attention(hub, block, bias=architecture.startswith("qwen2"))
        family.add(hub + "input_layernorm.weight", block + "attn_norm.weight", WIDTH)
        family.add(hub + "post_attention_layernorm.weight", block + "ffn_norm.weight", WIDTH)
        if architecture.startswith("qwen3"):
            for word in "qk":
                family.add(
                    f"{hub}self_attn.{word}_norm.weight", f"{block}attn_{word}_norm.weight", HEAD)
        if "moe" in architecture:
            family.add(hub + "mlp.gate.weight", block + "ffn_gate_inp.weight", EXPERTS, WIDTH)
            family.experts(
                hub + "mlp.experts.", block,
                {word + "_proj": word for word in ["gate", "up", "down"]})
        if architecture == "qwen2moe":
            family.gated(hub + "mlp.shared_expert.", block, "_shexp")
            # One row on the hub, a vector in GGUF.
            family.add(
                hub + "mlp.shared_expert_gate.weight", block + "ffn_gate_inp_shexp.weight", 1,
                WIDTH, change=lambda array: array[0])
        elif "moe" not in architecture:
            family.gated(hub + "mlp.", block)
    return family


def gemma_family(architecture):
    def shift(array):
        return array + np.float32(1)

    family = Family(
        architecture, prefix="language_model.model." if architecture == "gemma3" else "model.")
    family.around("norm.weight", output=False, change=shift)
    for hub, block in family.layers():
        family.attention(hub, block)
        family.gated(hub + "mlp.", block)
        norms = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
        if architecture != "gemma":
            norms |= {
                "post_attention_layernorm": "post_attention_norm",
                "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm"}
        if architecture == "gemma3":
            norms |= {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
        for word, name in norms.items():
            family.add(f"{hub}{word}.weight", f"{block}{name}.weight", WIDTH, change=shift)
    return family


def phi2_family():
    family = Family("phi2", "phi")
    family.add("model.embed_tokens.weight", "token_embd.weight", WORDS, WIDTH)
    for end in ["weight", "bias"]:
        shape = [WIDTH] if end == "weight" else []
        family.add("model.final_layernorm." + end, "output_norm." + end, WIDTH)
        family.add("lm_head." + end, "output." + end, WORDS, *shape)
    for hub, block in family.layers():
        for end in ["weight", "bias"]:
            family.add(hub + "input_layernorm." + end, block + "attn_norm." + end, WIDTH)
            for word, name in {
                    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
                    "self_attn.v_proj": "attn_v", "self_attn.dense": "attn_output",
                    "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down"}.items():
                shape = [WIDTH, WIDTH] if end == "weight" else [WIDTH]
                family.add(f"{hub}{word}.{end}", f"{block}{name}.{end}", *shape)
    return family


def phi3_family():
    family = Family("phi3")
    family.around("norm.weight")
    for hub, block in family.layers():
        family.add(hub + "input_layernorm.weight", block + "attn_norm.weight", WIDTH)
        family.add(hub + "post_attention_layernorm.weight", block + "ffn_norm.weight", WIDTH)
        family.add(hub + "self_attn.qkv_proj.weight", block + "attn_qkv.weight", 3 * WIDTH, WIDTH)
        family.add(hub + "self_attn.o_proj.weight", block + "attn_output.weight", WIDTH, WIDTH)
        family.add(hub + "mlp.gate_up_proj.weight", block + "ffn_up.weight", 2 * FORWARD, WIDTH)
        family.add(hub + "mlp.down_proj.weight", block + "ffn_down.weight", WIDTH, FORWARD)
    return family


def gpt2_family(prefix=""):
    family = Family("gpt2")
    family.add(prefix + "wte.weight", "token_embd.weight", WORDS, WIDTH)
    family.add(prefix + "wpe.weight", "position_embd.weight", 24, WIDTH)
    for end in ["weight", "bias"]:
        family.add(f"{prefix}ln_f.{end}", "output_norm." + end, WIDTH)
        for layer in range(LAYERS):
            hub, block = f"{prefix}h.{layer}.", f"blk.{layer}."
            for word, name in {"ln_1": "attn_norm", "ln_2": "ffn_norm"}.items():
                family.add(f"{hub}{word}.{end}", f"{block}{name}.{end}", WIDTH)
            for word, name, shape in [
                    ("attn.c_attn", "attn_qkv", (WIDTH, 3 * WIDTH)),
                    ("attn.c_proj", "attn_output", (WIDTH, WIDTH)),
                    ("mlp.c_fc", "ffn_up", (WIDTH, FORWARD)),
                    ("mlp.c_proj", "ffn_down", (FORWARD, WIDTH))]:
                if end == "weight":
                    family.add(
                        f"{hub}{word}.{end}", f"{block}{name}.{end}", *shape, change=np.transpose)
                else:
                    family.add(f"{hub}{word}.{end}", f"{block}{name}.{end}", shape[1])
    return family


def bert_family(prefix=""):
    family = Family("bert")
    embeddings = prefix + "embeddings."
    family.add(embeddings + "word_embeddings.weight", "token_embd.weight", WORDS, WIDTH)
    family.add(embeddings + "position_embeddings.weight", "position_embd.weight", 24, WIDTH)
    family.add(embeddings + "token_type_embeddings.weight", "token_types.weight", 2, WIDTH)
    for end in ["weight", "bias"]:
        family.add(f"{embeddings}LayerNorm.{end}", f"token_embd_norm.{end}", WIDTH)
        for layer in range(LAYERS):
            hub, block = f"{prefix}encoder.layer.{layer}.", f"blk.{layer}."
            for word, name, shape in [
                    ("attention.self.query", "attn_q", (WIDTH, WIDTH)),
                    ("attention.self.key", "attn_k", (WIDTH, WIDTH)),
                    ("attention.self.value", "attn_v", (WIDTH, WIDTH)),
                    ("attention.output.dense", "attn_output", (WIDTH, WIDTH)),
                    ("attention.output.LayerNorm", "attn_output_norm", (WIDTH,)),
                    ("intermediate.dense", "ffn_up", (FORWARD, WIDTH)),
                    ("output.dense", "ffn_down", (WIDTH, FORWARD)),
                    ("output.LayerNorm", "layer_output_norm", (WIDTH,))]:
                family.add(
                    f"{hub}{word}.{end}", f"{block}{name}.{end}",
                    *(shape if end == "weight" else shape[:1]))
    return family


FAMILIES = {
    "llama": llama_family, "llama with biases": lambda: llama_family(bias=True),
    "mistral": lambda: llama_family("mistral"), "mixtral": lambda: llama_family("mixtral"),
    "qwen2": lambda: qwen_family("qwen2"), "qwen3": lambda: qwen_family("qwen3"),
    "qwen2moe": lambda: qwen_family("qwen2moe", "qwen2_moe"),
    "qwen3moe": lambda: qwen_family("qwen3moe", "qwen3_moe"),
    "gemma": lambda: gemma_family("gemma"), "gemma2": lambda: gemma_family("gemma2"),
    "gemma3": lambda: gemma_family("gemma3"), "phi2": phi2_family, "phi3": phi3_family,
    "gpt2": gpt2_family, "gpt2 with its head": lambda: gpt2_family("transformer."),
    "bert": bert_family, "bert with its head": lambda: bert_family("bert.")}


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name, kerf, tmp_path):
    """Each tensor of the hub finds its own elements in GGUF, and each of GGUF those of the hub."""
    family = FAMILIES[name]()
    hub, path = family.write(tmp_path)
    report, rows = measured(kerf, hub, path)
    assert report["unmatched"] == {"reference": [], "candidate": [], "reasons": {}}
    assert set(rows) == set(family.hub)
    assert {row["candidate_name"] for row in rows.values()} == set(family.gguf)
    for row in rows.values():
        exact = row["format"] == "f32"
        assert row["nmse"] == 0 if exact else 1e-9 < row["nmse"] < 1e-6, row
        assert row["shape"] == list(family.hub[row["name"]].shape)
        assert row["bytes"] == row["elements"] * (4 if exact else 2)
        norm = "norm" in row["name"] or "ln_" in row["name"] or "Norm" in row["name"]
        embedding = "position" in row["name"] or "wpe" in row["name"] or "token_type" in row["name"]
        matrix = len([extent for extent in row["shape"] if extent > 1]) > 1
        if matrix and not norm and not embedding:
            assert 1e-5 < row["matmul_error"] < 1e-3, row
        else:
            assert row["matmul_error"] is None

    report, rows = measured(kerf, path, hub)
    assert report["unmatched"] == {"reference": [], "candidate": [], "reasons": {}}
    assert set(rows) == set(family.gguf)
    for row in rows.values():
        assert row["nmse"] == 0 if row["source_format"] == "f32" else row["nmse"] < 1e-6, row


@pytest.mark.parametrize("name", ["llama", "mixtral", "gemma2", "gpt2"])
@pytest.mark.parametrize("format", ["q8_0", "q4_K"])
def test_quantized_families(name, format, kerf, tmp_path):
    """Blocks are read in the hub's order as well: the figures are those of the same blocks put back
    by NumPy."""
    family = FAMILIES[name]()
    hub, path = family.write(tmp_path, dtype=np.float32)
    small = tmp_path / "small.gguf"
    kerf("convert", path, small, "--to", format, "--pure")
    _, rows = measured(kerf, hub, small)
    tensors = read_gguf(small)
    for row in rows.values():
        array, tensor = family.hub[row["name"]], tensors[row["candidate_name"]]
        if row["format"] == "f32":
            assert row["nmse"] == 0
            continue
        back = values(tensor)
        if array.shape != back.shape and array.shape == back.shape[::-1]:
            back = back.T
        elif name == "gpt2" and "attn.c_proj" in row["name"]:
            back = back.T
        elif "experts" in row["name"]:
            back = back[int(row["name"].split("experts.")[1].split(".")[0])]
        for word, heads in [("q_proj", HEADS), ("k_proj", KEY_HEADS)]:
            if word in row["name"] and family.architecture == "llama":
                order = pairs(np.arange(array.shape[0]), heads)
                back = back[np.argsort(order)]
        expected = figures(array, np.ascontiguousarray(back))
        for key in FIGURES:
            assert row[key] == pytest.approx(expected[key], rel=1e-11, abs=1e-18), (row["name"], key)


def test_what_cannot_be_told(kerf, tmp_path):
    """Where nothing says how GGUF arranges an architecture's elements, nothing is guessed."""
    family = llama_family()
    hub, path = family.write(tmp_path, config=False, keys=False)
    result = kerf("measure", hub, path, status=1)
    assert "unheard" in result.err and len(result.err.splitlines()) == 1
    # The heads are in either file.
    for keys in [True, False]:
        folder = tmp_path / str(keys)
        folder.mkdir()
        hub, path = family.write(folder, config=not keys, keys=True)
        report, _ = measured(kerf, hub, path)
        assert not report["unmatched"]["reference"]


def test_number_of_heads_unknown(kerf, tmp_path):
    family = llama_family()
    hub, path = family.write(tmp_path, config=False)
    writer = gguf.GGUFWriter(tmp_path / "headless.gguf", "llama")
    for name, tensor in read_gguf(path).items():
        writer.add_tensor(name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    report, rows = measured(kerf, hub, tmp_path / "headless.gguf")
    lost = {name for name in family.hub if "q_proj" in name or "k_proj" in name}
    assert set(report["unmatched"]["reference"]) == lost == set(family.hub) - set(rows)
    assert all("number of heads" in report["unmatched"]["reasons"][name] for name in lost)


# What has no partner


@pytest.fixture
def files(tmp_path):
    """Writes files of {name: (dtype, array)}; returns their paths."""

    def write(*all):
        paths = []
        for number, tensors in enumerate(all):
            paths.append(tmp_path / f"{number}.safetensors")
            paths[-1].write_bytes(safetensors_bytes(tensors))
        return paths

    return write


ONES = np.ones((4, 8), np.float32)


def test_unmatched(kerf, files):
    a, b = files(
        {"both.weight": ("F32", ONES), "a.weight": ("F32", ONES)},
        {"both.weight": ("F32", ONES), "b.weight": ("F32", ONES), "c.weight": ("F32", ONES)})
    report, rows = measured(kerf, a, b)
    assert list(rows) == ["both.weight"]
    assert report["unmatched"]["reference"] == ["a.weight"]
    assert report["unmatched"]["candidate"] == ["b.weight", "c.weight"]
    result = kerf("measure", a, b, "--strict", status=2)
    assert "3 tensors" in result.err and "c.weight" in result.out
    measured(kerf, a, b, "--strict", status=2)
    measured(kerf, a, b, "--strict", "--tensors", "both")


def test_shapes_differ(kerf, files):
    a, b = files({"w.weight": ("F32", ONES)}, {"w.weight": ("F32", ONES.T)})
    result = kerf("measure", a, b, status=1)
    assert_refused(result, a)
    assert result.err.count("w.weight") == 2 and "[4, 8]" in result.err and "[8, 4]" in result.err
    # Extents of one say nothing.
    a, b = files({"w.weight": ("F32", ONES)}, {"w.weight": ("F32", ONES.reshape(1, 4, 1, 8))})
    _, rows = measured(kerf, a, b)
    assert rows["w.weight"]["nmse"] == 0


def test_nothing_in_common(kerf, files):
    a, b = files({"a.weight": ("F32", ONES)}, {"b.weight": ("F32", ONES)})
    assert_refused(kerf("measure", a, b, status=1), a)
    assert "nothing" in kerf("measure", a, a, "--tensors", "nothing", status=1).err
    assert "(" in kerf("measure", a, a, "--tensors", "(", status=64).err


def test_not_finite(kerf, files):
    spoiled = ONES.copy()
    spoiled[1, 2:4] = np.nan, np.inf
    a, b = files({"w.weight": ("F32", ONES)}, {"w.weight": ("F32", spoiled)})
    _, rows = measured(kerf, a, b)
    assert rows["w.weight"]["overflowed"] == 2 and "matmul_error" not in rows["w.weight"]
    assert "2 elements" in kerf("measure", a, b, "--strict", status=2).err
    _, rows = measured(kerf, b, a)
    assert rows["w.weight"]["non_finite"] == 2
    kerf("measure", b, a, "--strict", status=2)


def test_what_is_only_carried(kerf, files):
    numbers, more = np.arange(6, dtype=np.int64), np.arange(6, dtype=np.int64) + 1
    a, b = files(
        {"same": ("I64", numbers), "other": ("I64", numbers), "wide.weight": ("F64", ONES.astype(float)),
         "mask": ("BOOL", numbers > 2), "w.weight": ("F32", ONES)},
        {"same": ("I64", numbers), "other": ("I64", more), "wide.weight": ("F32", ONES),
         "mask": ("I8", numbers.astype(np.int8)), "w.weight": ("F32", ONES)})
    _, rows = measured(kerf, a, b)
    assert {name: row["mse"] for name, row in rows.items()} == {
        "same": None, "other": None, "wide.weight": None, "mask": None, "w.weight": 0}
    assert "are the same" in rows["same"]["note"] and "differ" in rows["other"]["note"]
    assert "f64" in rows["wide.weight"]["note"] and "bool" in rows["mask"]["note"]


def test_report_files(kerf, files, tmp_path):
    a, b = files({"w.weight": ("F32", ONES)}, {"w.weight": ("F32", ONES * 2)})
    kerf("measure", a, b, "--report", tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text())["tensors"][0]["nmse"] == 1
    kerf("measure", a, b, "--report", tmp_path / "x.csv")
    head, row = (tmp_path / "x.csv").read_text().splitlines()
    assert dict(zip(head.split(","), row.split(",")))["candidate_name"] == "w.weight"
    for path in (a, b):
        before = path.read_bytes()
        kerf("measure", a, b, "--report", path, status=None)
        assert path.read_bytes() == before
