"""Small models as the runtimes themselves write them, for the tests of layouts.

    goldens.py FOLDER RUNTIME…

Each model has a matrix for every way that the runtime has, `config.json`, and beside them
`values.safetensors`: what the runtime's own code makes of each matrix, in f32. Nothing of ours is
used here, so that what the tests compare with does not come from what they test.
"""

import json
import pathlib
import sys

import numpy as np

# Rows do not fill words of eight, where the runtime does not insist.
ROWS, COLUMNS = 12, 128


def weights(number, rows=ROWS):
    """A matrix like those of models: nearly normal, with a few large elements and a row of zeros."""
    rng = np.random.default_rng(number)
    matrix = rng.standard_normal((rows, COLUMNS)).astype(np.float32) * 0.05
    matrix[3, ::17] *= 8
    matrix[5] = 0
    return matrix


class Model:
    """Tensors, values and a config.json that are written together."""

    def __init__(self):
        self.tensors, self.values = {}, {}

    def add(self, name, tensors, values):
        self.tensors |= {f"{name}.{suffix}": tensor for suffix, tensor in tensors.items()}
        self.values[f"{name}.weight"] = values

    def write(self, folder, config):
        from safetensors.torch import save_file
        import torch

        folder.mkdir(parents=True, exist_ok=True)
        self.tensors["norm.weight"] = torch.arange(COLUMNS, dtype=torch.float32)
        save_file({name: tensor.contiguous() for name, tensor in self.tensors.items()},
                  folder / "model.safetensors", {"format": "pt"})
        save_file({name: tensor.float().contiguous() for name, tensor in self.values.items()},
                  folder / "values.safetensors")
        config = {"model_type": "llama", "rms_norm_eps": 1e-05} | config
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def compressed_tensors(folder):
    import torch
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

    integer = {"type": "int", "dynamic": False}
    cases = {}
    for bits in (2, 3, 4, 6, 8):
        for symmetric in (True, False):
            cases[f"packed{bits}{'' if symmetric else 'z'}"] = (
                "pack-quantized", torch.float32,
                {"num_bits": bits, "symmetric": symmetric, "strategy": "group",
                 "group_size": 32, **integer})
    cases["packed_channel"] = (
        "pack-quantized", torch.bfloat16,
        {"num_bits": 4, "symmetric": True, "strategy": "channel", **integer})
    cases["packed_channel_z"] = (
        "pack-quantized", torch.float16,
        {"num_bits": 4, "symmetric": False, "strategy": "channel", **integer})
    for symmetric in (True, False):
        cases[f"plain{'' if symmetric else 'z'}"] = (
            "int-quantized", torch.float32,
            {"num_bits": 8, "symmetric": symmetric, "strategy": "channel", **integer})
    cases["naive"] = (
        "naive-quantized", torch.float32,
        {"num_bits": 8, "symmetric": True, "strategy": "group", "group_size": 64, **integer})
    float8 = {"num_bits": 8, "type": "float", "symmetric": True}
    cases["fp8_tensor"] = ("float-quantized", torch.float32, {**float8, "strategy": "tensor"})
    cases["fp8_channel"] = ("float-quantized", torch.bfloat16, {**float8, "strategy": "channel"})
    cases["fp8_block"] = (
        "float-quantized", torch.float32,
        {**float8, "strategy": "block", "block_structure": [4, 64]})
    cases["nvfp4"] = (
        "nvfp4-pack-quantized", torch.float32,
        {"num_bits": 4, "type": "float", "symmetric": True, "strategy": "tensor_group",
         "group_size": 16, "scale_dtype": "torch.float8_e4m3fn"})
    cases["mxfp4"] = (
        "mxfp4-pack-quantized", torch.float32,
        {"num_bits": 4, "type": "float", "symmetric": True, "strategy": "group",
         "group_size": 32, "scale_dtype": "torch.uint8"})

    model, groups = Model(), {}
    for number, (name, (format, type, arguments)) in enumerate(cases.items()):
        weight = torch.from_numpy(weights(number)).to(type)
        args = QuantizationArgs(**arguments)
        scheme = QuantizationScheme(targets=[name], weights=args, format=format)
        state = {"weight": weight}
        strategy = arguments["strategy"]
        if strategy in ("group", "tensor_group"):
            parts = weight.reshape(ROWS, -1, arguments["group_size"])
            low, high = parts.amin(-1), parts.amax(-1)
        elif strategy == "channel":
            low, high = weight.amin(-1, keepdim=True), weight.amax(-1, keepdim=True)
        elif strategy == "block":
            height, width = arguments["block_structure"]
            parts = weight.reshape(ROWS // height, height, COLUMNS // width, width)
            low, high = parts.amin((1, 3)), parts.amax((1, 3))
        else:
            low, high = weight.amin().reshape(1), weight.amax().reshape(1)
        if strategy == "tensor_group":
            state["weight_global_scale"] = generate_gparam(weight.amin(), weight.amax())
        scale, zero = calculate_qparams(low, high, args, state.get("weight_global_scale"))
        state["weight_scale"] = scale.to(type) if "fp4" not in name else scale
        if not arguments["symmetric"]:
            state["weight_zero_point"] = zero.to(torch.int8)
        compressor = BaseCompressor.get_value_from_registry(format)
        compressed = compressor.compress(state, scheme)
        model.add(name, compressed, compressor.decompress(compressed, scheme)["weight"])
        groups[f"group_{number}"] = scheme.model_dump(mode="json", exclude_none=True)
    model.write(folder / "compressed-tensors", {"quantization_config": {
        "quant_method": "compressed-tensors", "format": "mixed-precision",
        "quantization_status": "compressed", "ignore": ["lm_head"], "config_groups": groups}})


def mlx(folder):
    import mlx.core as mx
    import torch

    def tensor(array):
        if array.dtype == mx.bfloat16:
            return torch.from_numpy(np.array(array.view(mx.uint16)).view(np.int16)).view(
                torch.bfloat16)
        return torch.from_numpy(np.array(array))

    model, entries = Model(), {}
    number = 0
    for bits in (2, 3, 4, 5, 6, 8):
        for group in (32, 64, 128):
            type = [mx.float32, mx.float16, mx.bfloat16][number % 3]
            weight = mx.array(weights(number)).astype(type)
            parts = mx.quantize(weight, group, bits)
            values = mx.dequantize(*[part.astype(mx.float32) if part.dtype != mx.uint32 else part
                                     for part in parts], group, bits)
            name = f"affine{bits}_g{group}"
            model.add(name, dict(zip(("weight", "scales", "biases"), map(tensor, parts))),
                      tensor(values))
            entries[name] = {"group_size": group, "bits": bits}
            number += 1
    for mode, group, bits in (("mxfp4", 32, 4), ("nvfp4", 16, 4), ("mxfp8", 32, 8)):
        weight = mx.array(weights(number))
        parts = mx.quantize(weight, group, bits, mode=mode)
        values = mx.dequantize(*parts, group_size=group, bits=bits, mode=mode).astype(mx.float32)
        model.add(mode, dict(zip(("weight", "scales"), map(tensor, parts))), tensor(values))
        entries[mode] = {"group_size": group, "bits": bits, "mode": mode}
        number += 1
    experts = mx.stack([mx.array(weights(number + i)) for i in range(3)])
    parts = mx.quantize(experts, 64, 4)
    model.add("experts", dict(zip(("weight", "scales", "biases"), map(tensor, parts))),
              tensor(mx.dequantize(*parts, 64, 4)))
    quantization = {"group_size": 64, "bits": 4, "mode": "affine", **entries, "norm": False}
    model.write(folder / "mlx", {
        "quantization": quantization, "quantization_config": quantization})


def bitsandbytes(folder):
    import torch
    from bitsandbytes import functional

    for kind in ("nf4", "fp4"):
        for nested in (False, True):
            model = Model()
            for number, length in enumerate((64, 128)):
                weight = torch.from_numpy(weights(number))
                packed, state = functional.quantize_4bit(
                    weight, blocksize=length, quant_type=kind, compress_statistics=nested)
                parts = {f"weight.{name}": part
                         for name, part in state.as_dict(packed=True).items()}
                model.add(f"layer{number}", {"weight": packed, **parts},
                          functional.dequantize_4bit(packed, state))
            model.write(folder / f"bitsandbytes-{kind}{'-nested' if nested else ''}", {
                "quantization_config": {
                    "quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False,
                    "bnb_4bit_quant_type": kind, "bnb_4bit_use_double_quant": nested,
                    "bnb_4bit_compute_dtype": "float32", "bnb_4bit_quant_storage": "uint8"}})
    model = Model()
    weight = torch.from_numpy(weights(0)).half()
    codes, scales, _ = functional.int8_vectorwise_quant(weight)
    model.add("layer0", {"weight": codes, "SCB": scales,
                         "weight_format": torch.tensor(0, dtype=torch.uint8)},
              functional.int8_vectorwise_dequant(codes, scales))
    model.write(folder / "bitsandbytes-int8", {"quantization_config": {
        "quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False,
        "llm_int8_threshold": 6.0}})


def gptq(folder):
    import torch
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear

    rows = 32
    for bits, version in ((2, 1), (3, 1), (4, 1), (4, 2), (8, 1)):
        model = Model()
        for name, symmetric in (("symmetric", True), ("asymmetric", False)):
            weight = torch.from_numpy(weights(bits, rows))
            parts = weight.reshape(rows, -1, 32)
            if symmetric:
                scales = parts.abs().amax(-1) / (2 ** (bits - 1) - 0.5)
                zeros = torch.full_like(scales, 2 ** (bits - 1))
            else:
                low, high = parts.amin(-1).clamp(max=0), parts.amax(-1).clamp(min=0)
                scales = (high - low) / (2 ** bits - 1)
                zeros = (-low / scales).nan_to_num().round().clamp(1, 2 ** bits - 1)
            scales = scales.clamp(min=1e-4).half().float()
            g_idx = (torch.arange(COLUMNS) // 32).to(torch.int32)
            codes = ((parts / scales[..., None]).round() + zeros[..., None]).clamp(
                0, 2 ** bits - 1)
            linear = torch.nn.Linear(COLUMNS, rows, bias=False)
            linear.weight.data = ((codes - zeros[..., None]) * scales[..., None]).reshape(
                rows, COLUMNS)
            module = TorchLinear(
                bits=bits, group_size=32, sym=symmetric, desc_act=False, in_features=COLUMNS,
                out_features=rows, bias=False, pack_dtype=torch.int32, register_buffers=True)
            module.pack(linear, scales, zeros, g_idx)
            stored = {key: value.clone() for key, value in module.state_dict().items()}
            # The runtime computes with version 2, and turns version 1 into it.
            assert torch.equal(stored["qzeros"], pack_rows(zeros.T.to(torch.int64), bits))
            if version == 1:
                stored["qzeros"] = pack_rows(zeros.T.to(torch.int64) - 1, bits)
            module.post_init()
            values = module.dequantize_weight().T.float()
            assert torch.allclose(values, linear.weight.data, atol=1e-3)
            model.add(name, stored, linear.weight.data)
        model.write(folder / f"gptq-{bits}-v{version}", {"quantization_config": {
            "quant_method": "gptq", "bits": bits, "group_size": 32, "desc_act": False,
            "sym": True, "checkpoint_format": "gptq" if version == 1 else "gptq_v2"}})


def pack_rows(values, bits):
    """[G, N] as [G, N·bits/32] of 32 bits: the little-endian stream."""
    import torch

    stream = ((values.numpy()[..., None] >> np.arange(bits)) & 1).astype(np.uint8)
    packed = np.packbits(stream.reshape(len(values), -1), axis=1, bitorder="little")
    return torch.from_numpy(packed.view(np.int32))


def awq(folder):
    import torch
    from awq.modules.linear.gemm import WQLinear_GEMM
    from awq.utils.packing_utils import dequantize_gemm

    rows, model = 32, Model()
    for name, length in (("g32", 32), ("g64", 64), ("g128", 128)):
        weight = torch.from_numpy(weights(length, rows))
        parts = weight.reshape(rows, -1, length)
        low, high = parts.amin(-1).clamp(max=0), parts.amax(-1).clamp(min=0)
        scales = ((high - low) / 15).clamp(min=1e-4).half()
        zeros = (-low / scales.float()).round().clamp(0, 15)
        codes = ((parts / scales.float()[..., None]).round() + zeros[..., None]).clamp(0, 15)
        linear = torch.nn.Linear(COLUMNS, rows, bias=False)
        linear.weight.data = (
            (codes - zeros[..., None]) * scales.float()[..., None]).reshape(rows, COLUMNS)
        module = WQLinear_GEMM.from_linear(
            linear, 4, length, scales=scales.T.contiguous(), zeros=zeros.T.contiguous())
        values = dequantize_gemm(
            module.qweight, module.qzeros, module.scales.float(), 4, length)
        model.add(name, {"qweight": module.qweight, "qzeros": module.qzeros,
                         "scales": module.scales}, values.T)
    model.write(folder / "awq", {"quantization_config": {
        "quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True,
        "version": "gemm"}})


if __name__ == "__main__":
    for runtime in sys.argv[2:]:
        globals()[runtime.replace("-", "_")](pathlib.Path(sys.argv[1]))
