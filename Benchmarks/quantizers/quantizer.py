"""A runtime's own quantizer in a process of its own, one thread, a JSON value on each line.

    {"open": {"format": "int4_g64_bias_bf16", "weights": "w.bf16", "n": 2048, "k": 4096}}
        → {"ways": {"mlx": {"what": "mx.quantize", "source": "bf16", "searches": false, …}}}
    {"run": {"way": "mlx", "seconds": 0.5}}
        → {"seconds": 0.04}

The weights are bf16 numbers, row after row. A peer is a module with a class `Peer`, made of them:
its `ways(format)` are what it has that takes as many bits in groups as long.
"""

import importlib
import json
import os
import pathlib
import re
import sys
import time

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "matmul"))
from peer import PATIENCE, best


class Way:
    """What a runtime does: `quantize()` from weights in memory, of type `source`, and
    `dequantize(result)` as f32, to see its error. Some search for scales."""

    def __init__(self, what, source, quantize, dequantize, searches=False):
        self.what, self.source, self.searches = what, source, searches
        self.quantize, self.dequantize = quantize, dequantize

    def facts(self, weights):
        start = time.perf_counter()
        result = self.quantize()
        self.first = time.perf_counter() - start
        restored = np.asarray(self.dequantize(result), np.float32).reshape(weights.shape)
        error = np.linalg.norm((restored - weights).astype(np.float64)) / np.linalg.norm(
            weights.astype(np.float64))
        return {
            "what": self.what, "source": self.source, "searches": self.searches,
            "relative_error": float(error)}

    def seconds(self, seconds):
        return self.first if self.first > PATIENCE else best(self.quantize, 1, seconds, 1)


def group(format):
    """codes, length, offset of a format's name: ("int4", 64, "bias")"""
    codes, length, offset = re.match(r"([a-z0-9]+)_g(\d+)(?:_(zp|bias))?", format).groups()
    return codes, int(length), offset


def floats(path, n, k):
    """(the bits of bf16 numbers, the same as f32)"""
    bits = np.fromfile(path, np.uint16).reshape(n, k)
    return bits, (bits.astype(np.uint32) << 16).view(np.float32)


def main():
    name = sys.argv[1]
    for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]:
        os.environ[variable] = "1"
    # Libraries may print; only answers belong to standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = ways = weights = None
    for line in sys.stdin:
        try:
            [(verb, wanted)] = json.loads(line).items()
            if verb == "open":
                if not peer:
                    bits, weights = floats(wanted["weights"], wanted["n"], wanted["k"])
                    peer = importlib.import_module(f"peer_{name}").Peer(bits, weights)
                ways = peer.ways(wanted["format"])
                answer = {
                    "version": peer.version,
                    "ways": {way: each.facts(weights) for way, each in ways.items()}}
            else:
                answer = {"seconds": ways[wanted["way"]].seconds(wanted["seconds"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
