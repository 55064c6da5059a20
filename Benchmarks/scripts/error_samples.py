"""The weights that errors are measured on, and the measuring: error_samples.py make|measure FOLDER PATH

Runs in the peers' Python, which has gguf and NumPy.
"""

import json
import os
import struct
import sys

import gguf
import numpy as np

COLUMNS, ROWS = 1536, 2048
# The tensors of one layer of a llama, whatever they hold here, and how they are distributed.
TENSORS = {
    "blk.0.attn_q.weight": "Gaussian", "blk.0.attn_k.weight": "Student-t(5)",
    "blk.0.ffn_up.weight": "all-MiniLM-L6-v2"}


def real(path):
    """The sample model's matrices with rows of 1536: those that lead back from the feed-forward
    width."""
    data = np.fromfile(path, np.uint8)
    length = struct.unpack("<Q", data[:8].tobytes())[0]
    header = json.loads(data[8 : 8 + length].tobytes())
    header.pop("__metadata__", None)
    found = []
    for name, entry in sorted(header.items()):
        if entry["dtype"] == "F32" and len(entry["shape"]) == 2 and entry["shape"][1] == COLUMNS:
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            found.append(data[begin:end].view(np.float32).reshape(entry["shape"]))
    return np.concatenate(found)


def weights(path):
    random = np.random.default_rng(5)
    made = {
        "Gaussian": random.standard_normal((ROWS, COLUMNS), np.float32) * np.float32(0.02),
        "Student-t(5)":
            (random.standard_t(5, (ROWS, COLUMNS)) * 0.02).astype(np.float32),
        "all-MiniLM-L6-v2": real(path)}
    return {name: made[kind] for name, kind in TENSORS.items()}


def activations():
    """Mean squares of 512 random activations, whose columns differ as those of models do."""
    random = np.random.default_rng(6)
    scale = np.exp(random.standard_normal(COLUMNS))
    return np.mean((random.standard_normal((512, COLUMNS)) * scale) ** 2, axis=0)


def make(folder, path):
    writer = gguf.GGUFWriter(os.path.join(folder, "a.gguf"), "llama")
    writer.add_block_count(1)
    writer.add_context_length(128)
    writer.add_embedding_length(COLUMNS)
    writer.add_feed_forward_length(ROWS)
    writer.add_head_count(12)
    writer.add_head_count_kv(12)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(32)
    for name, array in weights(path).items():
        writer.add_tensor(name, array)
    finish(writer)
    writer = gguf.GGUFWriter(os.path.join(folder, "imatrix.gguf"), "imatrix")
    writer.add_array("imatrix.datasets", ["random"])
    writer.add_uint32("imatrix.chunk_count", 1)
    writer.add_uint32("imatrix.chunk_size", 512)
    for name in TENSORS:
        writer.add_tensor(name + ".in_sum2", (activations() * 512).astype(np.float32)[None])
        writer.add_tensor(name + ".counts", np.full((1, 1), 512, np.float32))
    finish(writer)
    return "made"


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def measure(folder, path):
    """Relative squared errors of the tensors of a file: plain, and weighted by activations."""
    originals = {
        tensor.name: tensor.data
        for tensor in gguf.GGUFReader(os.path.join(folder, "a.gguf")).tensors}
    w = activations()
    found = []
    for tensor in gguf.GGUFReader(path).tensors:
        x = originals[tensor.name].astype(np.float64)
        y = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
        error, square = (x - y) ** 2, x**2
        found.append({
            "weights": TENSORS[tensor.name], "format": spelled(tensor.tensor_type.name),
            "plain": error.sum() / square.sum(), "weighted": (error @ w).sum() / (square @ w).sum()})
    return found


def spelled(name):
    return name.lower().replace("_k", "_K")


print(json.dumps({"make": make, "measure": measure}[sys.argv[1]](*sys.argv[2:])))
