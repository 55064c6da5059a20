"""What matrices stand for in the layouts of other runtimes, read with NumPy alone."""

import json
import pathlib

import numpy as np

from containers import read_safetensors

NF4 = np.array([
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1], np.float32)
E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6], np.float32)
_codes = np.arange(256)
_magnitude = np.where(
    _codes & 0x78, (1 + (_codes & 7) / 8) * 2. ** ((_codes >> 3 & 15) - 7), (_codes & 7) / 512)
E4M3 = np.where(_codes & 128, -_magnitude, _magnitude).astype(np.float32)
INTERLEAVE = [0, 2, 4, 6, 1, 3, 5, 7]
# What the names of a matrix's tensors end in, behind the module's.
PARTS = {
    "weight", "weight_packed", "weight_scale", "weight_zero_point", "weight_shape",
    "weight_global_scale", "scales", "biases", "SCB", "weight_format", "qweight", "qzeros", "g_idx"}


def read_model(folder):
    """{name: f32 array} of a model's directory."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    tensors = {}
    for path in sorted(folder.glob("model*.safetensors")):
        tensors |= read_safetensors(path)[0]
    said = config.get("quantization_config") or {}
    read = {"compressed-tensors": compressed_tensors, "bitsandbytes": bitsandbytes, "awq": awq,
            "gptq": gptq}.get(said.get("quant_method"), mlx if "bits" in said else None)
    values = read(tensors, said) if read else {}
    # What is part of no matrix is what it is.
    matrices = {name.removesuffix("weight") for name in values}
    taken = {module + part for module in matrices for part in PARTS}
    taken |= {name for name in tensors if ".weight." in name}
    return values | {
        name: number(tensor) for name, tensor in tensors.items() if name not in taken}


def number(tensor):
    """The elements of a tensor of floats as f32."""
    kind, array = tensor
    if kind == "BF16":
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    if kind == "F8_E4M3":
        return E4M3[array.view(np.uint8)]
    return array.astype(np.float32)


def stream(words, bits):
    """Codes of `bits` bits in each row of a little-endian stream."""
    rows = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), -1)
    flat = np.unpackbits(rows, axis=1, bitorder="little").reshape(len(rows), -1)
    flat = flat[:, :flat.shape[1] // bits * bits].reshape(len(rows), -1, bits)
    return (flat.astype(np.int32) << np.arange(bits)).sum(-1)


def spread(scales, columns):
    """Scales of groups, one for each column."""
    return np.repeat(scales, columns // scales.shape[1], axis=1)


def modules(tensors, suffix):
    return [name.removesuffix(suffix) for name in tensors if name.endswith("." + suffix)]


def compressed_tensors(tensors, config):
    values = {}
    for module in modules(tensors, "weight_packed"):
        kind, packed = tensors[module + "weight_packed"]
        scale = tensors[module + "weight_scale"]
        if kind == "U8":
            codes = E2M1[stream(packed, 4)]
            if scale[0] == "F8_E4M3":
                divisor = tensors[module + "weight_global_scale"][1][0]
                scales = number(scale) / divisor
            else:
                scales = np.exp2(scale[1].astype(np.float32) - 127)
            values[module + "weight"] = codes * spread(scales, codes.shape[1])
            continue
        rows, columns = map(int, tensors[module + "weight_shape"][1])
        bits = packed.shape[1] * 32 // columns
        scales = spread(number(scale), columns)
        zeros = 1 << (bits - 1)
        if module + "weight_zero_point" in tensors:
            turned = tensors[module + "weight_zero_point"][1].T
            zeros = spread(stream(turned, bits)[:, :rows].T, columns)
        values[module + "weight"] = (stream(packed, bits)[:, :columns] - zeros) * scales
    for module in modules(tensors, "weight_scale"):
        if module + "weight" not in tensors:
            continue
        kind, weight = tensors[module + "weight"]
        rows, columns = weight.shape
        scales = number(tensors[module + "weight_scale"])
        if scales.size == 1:
            scales = scales.reshape(1, 1)
        if scales.shape[0] != rows:
            scales = np.repeat(scales, -(-rows // scales.shape[0]), axis=0)[:rows]
        codes = number((kind, weight))
        if module + "weight_zero_point" in tensors:
            zeros = tensors[module + "weight_zero_point"][1].astype(np.float32)
            codes = codes - spread(zeros, columns)
        values[module + "weight"] = codes * spread(scales, columns)
    return {name: value.astype(np.float32) for name, value in values.items()}


def mlx(tensors, config):
    values = {}
    for module in modules(tensors, "scales"):
        entry = config.get(module[:-1]) or config
        bits, mode = entry["bits"], entry.get("mode", "affine")
        words = tensors[module + "weight"][1]
        codes = stream(words.reshape(-1, words.shape[-1]), bits)
        kind, scales = tensors[module + "scales"]
        scales = scales.reshape(len(codes), -1)
        if mode == "affine":
            # In single precision: MLX rounds the product and the sum.
            biases = number(tensors[module + "biases"]).reshape(scales.shape)
            value = codes.astype(np.float32) * spread(
                number((kind, scales)), codes.shape[1]) + spread(biases, codes.shape[1])
        else:
            table = E4M3 if mode == "mxfp8" else E2M1
            numbers = E4M3[scales] if mode == "nvfp4" else np.exp2(scales.astype(np.float32) - 127)
            value = table[codes] * spread(numbers, codes.shape[1])
        values[module + "weight"] = value.reshape(*words.shape[:-1], -1).astype(np.float32)
    return values


def bitsandbytes(tensors, config):
    values = {}
    for module in modules(tensors, "SCB"):
        codes = tensors[module + "weight"][1].astype(np.float32)
        scales = tensors[module + "SCB"][1][:, None]
        values[module + "weight"] = codes * scales * np.float32(1 / 127)
    for module in modules(tensors, "weight.absmax"):
        state = next(array for name, (_, array) in tensors.items()
                     if name.startswith(module + "weight.quant_state."))
        state = json.loads(state.tobytes())
        packed = tensors[module + "weight"][1].reshape(-1)
        codes = np.stack([packed >> 4, packed & 15], axis=1).reshape(-1)
        scales = tensors[module + "weight.absmax"][1]
        if scales.dtype == np.uint8:
            outer = tensors[module + "weight.nested_absmax"][1]
            outer = np.repeat(outer, state["nested_blocksize"])[:len(scales)]
            scales = tensors[module + "weight.nested_quant_map"][1][scales] * outer
            scales = scales + np.float32(state["nested_offset"])
        table = tensors[module + "weight.quant_map"][1]
        value = table[codes] * np.repeat(scales, state["blocksize"])
        values[module + "weight"] = value.reshape(state["shape"])
    return values


def awq(tensors, config):
    def columns(words):
        nibbles = words.view(np.uint32)[..., None] >> (4 * np.arange(8, dtype=np.uint32)) & 15
        plain = np.empty_like(nibbles)
        plain[..., INTERLEAVE] = nibbles
        return plain.reshape(len(words), -1).astype(np.float32)

    values = {}
    for module in modules(tensors, "qweight"):
        codes = columns(tensors[module + "qweight"][1])
        zeros = columns(tensors[module + "qzeros"][1])
        scales = tensors[module + "scales"][1].astype(np.float32)
        group = len(codes) // len(scales)
        value = (codes - np.repeat(zeros, group, axis=0)) * np.repeat(scales, group, axis=0)
        values[module + "weight"] = np.ascontiguousarray(value.T)
    return values


def gptq(tensors, config):
    bias = 1 if config.get("checkpoint_format", "gptq") == "gptq" else 0
    values = {}
    for module in modules(tensors, "qweight"):
        words = tensors[module + "qweight"][1]
        scales = tensors[module + "scales"][1].astype(np.float32).T
        qzeros = tensors[module + "qzeros"][1]
        bits = qzeros.shape[1] * 32 // words.shape[1]
        codes = stream(words.T, bits)
        zeros = stream(qzeros, bits).T + bias
        groups = tensors[module + "g_idx"][1]
        values[module + "weight"] = ((codes - zeros[:, groups]) * scales[:, groups]).astype(
            np.float32)
    return values
