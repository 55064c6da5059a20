"""Writes a GGUF file shaped like a small llama, with random weights: make_model.py PATH SHAPE.

Runs in the peers' Python, which has gguf and NumPy.
"""

import os
import sys

import gguf
import numpy as np

# Layers, width, feed-forward width, vocabulary.
SHAPES = {
    "1gb": (8, 2048, 5632, 32000),
    "10gb": (24, 4096, 11008, 32000),
}


def llama(writer, layers, width, forward, vocabulary):
    """The metadata that llama.cpp asks for; yields names and shapes of the tensors."""
    writer.add_block_count(layers)
    writer.add_context_length(2048)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(forward)
    writer.add_head_count(width // 128)
    writer.add_head_count_kv(width // 128)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(128)
    writer.add_vocab_size(vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    yield "token_embd.weight", (vocabulary, width)
    yield "output_norm.weight", (width,)
    for layer in range(layers):
        block = f"blk.{layer}."
        for name in ["attn_norm", "ffn_norm"]:
            yield f"{block}{name}.weight", (width,)
        for name in ["attn_q", "attn_k", "attn_v", "attn_output"]:
            yield f"{block}{name}.weight", (width, width)
        yield f"{block}ffn_gate.weight", (forward, width)
        yield f"{block}ffn_up.weight", (forward, width)
        yield f"{block}ffn_down.weight", (width, forward)


def one_tensor(writer):
    """A single matrix of 4 GiB."""
    yield "blk.0.ffn_up.weight", (1 << 19, 4096)


def element_type(shape):
    return np.float16 if len(shape) == 2 else np.float32


def main(path, kind):
    partial = path + ".partial"
    writer = gguf.GGUFWriter(partial, "llama")
    tensors = list(one_tensor(writer) if kind == "tensor" else llama(writer, *SHAPES[kind]))
    for name, shape in tensors:
        size = int(np.prod(shape)) * np.dtype(element_type(shape)).itemsize
        writer.add_tensor_info(name, shape, np.dtype(element_type(shape)), size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()

    # Ten million numbers from different starts: making every one anew would take minutes.
    random = np.random.default_rng(1)
    numbers = (random.standard_normal(10_000_000, dtype=np.float32) * 0.02).astype(np.float16)
    for name, shape in tensors:
        count = int(np.prod(shape))
        data = np.resize(np.roll(numbers, random.integers(numbers.size)), count).reshape(shape)
        writer.write_tensor_data(data.astype(element_type(shape), copy=False))
    writer.close()
    os.replace(partial, path)


main(*sys.argv[1:])
