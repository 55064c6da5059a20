"""weights.py FOLDER N K: one matrix for all contestants, as numbers alone and as files for Kerf."""

import json
import pathlib
import sys

import numpy as np


def main():
    folder, n, k = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    weights = (np.random.default_rng(1).standard_t(5, (n, k)) * 0.02).astype(np.float32)
    bits = ((weights.view(np.uint32) + 0x8000) >> 16).astype(np.uint16)
    weights = (bits.astype(np.uint32) << 16).view(np.float32)
    bits.tofile(folder / "weights")
    for name, array in [("bf16", bits), ("f16", weights.astype(np.float16)), ("f32", weights)]:
        header = json.dumps({"w": {
            "dtype": name.upper(), "shape": [n, k], "data_offsets": [0, array.nbytes]}}).encode()
        header += b" " * (-len(header) % 8)
        with open(folder / f"{name}.safetensors", "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            array.tofile(file)


main()
