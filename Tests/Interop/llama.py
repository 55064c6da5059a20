"""Small models of the llama architecture with random weights, and llama.cpp's own quantizer."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

import gguf
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Llama:
    """What a model is like; `write` makes its file."""

    layers: int = 2
    heads: int = 4
    key_value_heads: int = 4
    width: int = 256
    forward: int = 512
    vocabulary: int = 64
    experts: int = 0
    tied: bool = False
    architecture: str = "llama"

    def tensors(self):
        """{name: shape}, outermost first, in the order of llama.cpp's own converter."""
        values = self.width * self.key_value_heads // self.heads
        found = {"token_embd.weight": (self.vocabulary, self.width)}
        for layer in range(self.layers):
            block = f"blk.{layer}."
            found[block + "attn_norm.weight"] = (self.width,)
            found[block + "attn_q.weight"] = (self.width, self.width)
            found[block + "attn_k.weight"] = (values, self.width)
            found[block + "attn_v.weight"] = (values, self.width)
            found[block + "attn_output.weight"] = (self.width, self.width)
            found[block + "ffn_norm.weight"] = (self.width,)
            up, down = (self.forward, self.width), (self.width, self.forward)
            if self.experts:
                found[block + "ffn_gate_inp.weight"] = (self.experts, self.width)
                for name, shape in [("gate", up), ("up", up), ("down", down)]:
                    found[f"{block}ffn_{name}_exps.weight"] = (self.experts, *shape)
            else:
                for name, shape in [("gate", up), ("up", up), ("down", down)]:
                    found[f"{block}ffn_{name}.weight"] = shape
        found["output_norm.weight"] = (self.width,)
        if not self.tied:
            found["output.weight"] = (self.vocabulary, self.width)
        return found

    def writer(self, path):
        """A writer that has the keys of such a model."""
        writer = gguf.GGUFWriter(path, self.architecture)
        writer.add_name("random")
        writer.add_block_count(self.layers)
        writer.add_context_length(128)
        writer.add_embedding_length(self.width)
        writer.add_feed_forward_length(self.forward)
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.key_value_heads)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_rope_dimension_count(self.width // self.heads)
        writer.add_vocab_size(self.vocabulary)
        if self.experts:
            writer.add_expert_count(self.experts)
            writer.add_expert_used_count(2)
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
        # As sentencepiece has it: specials, then bytes, then whatever there is room for.
        words = ["<unk>", "<s>", "</s>"]
        words += [f"<0x{byte:02X}>" for byte in range(min(256, self.vocabulary - len(words)))]
        words += [f"▁w{number}" for number in range(self.vocabulary - len(words))]
        kinds = [gguf.TokenType.UNKNOWN] + 2 * [gguf.TokenType.CONTROL]
        kinds += [
            gguf.TokenType.BYTE if word.startswith("<0x") else gguf.TokenType.NORMAL
            for word in words[3:]]
        writer.add_tokenizer_model("llama")
        writer.add_token_list(words)
        writer.add_token_scores([0.0] * len(words))
        writer.add_token_types(kinds)
        return writer

    def write(self, path, dtype=np.float16, seed=1, uneven=False):
        """The file, of normal numbers; `uneven`: of tensors whose scales and tails differ."""
        writer = self.writer(path)
        random = np.random.default_rng(seed)
        for name, shape in self.tensors().items():
            vector = len(shape) < 2
            if vector:
                array = np.ones(shape, np.float32)
            elif uneven:
                scale = 0.02 * np.exp(random.standard_normal())
                array = scale * random.standard_t(random.choice([3, 5, 10, 100]), shape)
            else:
                array = random.standard_normal(shape, np.float32) * 0.05
            writer.add_tensor(name, array if vector else array.astype(dtype))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    def write_sparse(self, path):
        """The file without its data: as long as it would be, but it takes no room on the disk."""
        writer = self.writer(path)
        size = 0
        for name, shape in self.tensors().items():
            dtype = np.dtype(np.float32 if len(shape) < 2 else np.float16)
            count = int(np.prod(shape)) * dtype.itemsize
            writer.add_tensor_info(name, shape, dtype, count)
            size += count + -count % 32
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        header = path.stat().st_size
        os.truncate(path, header + -header % 32 + size)
        return path

    def quantized(self):
        """{name: shape} of the tensors that importance matrices have entries for."""
        return {
            name: shape for name, shape in self.tensors().items()
            if name.startswith("blk.") and len(shape) > 1 and "gate_inp" not in name}


def write_importance(path, tensors, seed=2, change=None):
    """An importance matrix in GGUF for tensors of {name: shape}, of activations that differ much
    from column to column; returns {name: mean squares}, matrix after matrix.

    `change(name, sums, counts)` may spoil an entry, or drop it by returning True.
    """
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "imatrix")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["calibration.txt"])
    writer.add_uint32("imatrix.chunk_count", 3)
    writer.add_uint32("imatrix.chunk_size", 128)
    means = {}
    for name, shape in tensors.items():
        matrices = int(np.prod(shape[:-2])) if len(shape) > 2 else 1
        counts = np.full((matrices, 1), 512, np.float32)
        sums = (512 * np.exp(2 * random.standard_normal((matrices, shape[-1])))).astype(np.float32)
        if change and change(name, sums, counts):
            continue
        with np.errstate(all="ignore"):
            means[name] = sums / counts
        writer.add_tensor(name + ".in_sum2", sums)
        writer.add_tensor(name + ".counts", counts)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return means


def tool(name):
    """The path of one of llama.cpp's tools, or None: `Benchmarks/set-up-peers` makes them."""
    for path in [
            os.environ.get(name.upper().replace("-", "_")),
            ROOT / ".cache/peers/llama.cpp/bin" / name, shutil.which(name)]:
        if path and pathlib.Path(path).exists():
            return pathlib.Path(path)
    return None


def run(name, *arguments):
    """Runs a tool, and returns what it said."""
    process = subprocess.run(
        [tool(name), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-2000:]
    return process.stdout + process.stderr


def chosen_by_llama_quantize(path, preset, importance=None):
    """{name: format} as it would make them, in Kerf's spelling."""
    words = run(
        "llama-quantize", "--dry-run", *(["--imatrix", importance] if importance else []), path, preset.upper())
    # Warnings about fallbacks come between a line's parts.
    found = {}
    line = re.compile(
        r"\[ *\d+/ *\d+\] (\S+) +- \[[^]]*\], type = +(\S+), size = +\S+ MiB(?: -> +\S+ MiB \((\S+)\))?")
    for name, before, after in line.findall(words):
        found[name] = after or before
    return found
