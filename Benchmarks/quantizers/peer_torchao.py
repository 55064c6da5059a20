"""torchao on the CPU: its tensors of integers, with extremes, or with HQQ, which searches."""

import warnings
from importlib.metadata import version

import torch
from torchao.prototype.quantization.int4.int4_opaque_tensor import Int4OpaqueTensor
from torchao.quantization.granularity import PerRow
from torchao.quantization.quant_primitives import (
    MappingType, _choose_qparams_affine_tinygemm, _choose_qparams_and_quantize_affine_hqq,
    _quantize_affine_tinygemm)
from torchao.quantization.quantize_.workflows.int8.int8_tensor import Int8Tensor
from torchao.quantization.quantize_.workflows.intx.intx_unpacked_to_int8_tensor import (
    IntxUnpackedToInt8Tensor)

from quantizer import Way, group

warnings.simplefilter("ignore")


class Peer:
    version = f"torchao {version('torchao')}"

    def __init__(self, bits, _):
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.weights = torch.from_numpy(bits.view("int16")).view(torch.bfloat16)

    def ways(self, format):
        codes, length, offset = group(format)
        if codes == "int8" and length == self.weights.shape[1] and offset is None:
            return {"torchao": Way(
                "Int8Tensor", "bf16", lambda: Int8Tensor.from_hp(self.weights, PerRow()),
                lambda tensor: tensor.dequantize().float())}
        if codes != "int4" or length not in [32, 64, 128] or offset == "zp":
            return {}
        block = (1, length)
        if offset is None:
            return {"torchao": Way(
                "IntxUnpackedToInt8Tensor, a byte a code", "bf16",
                lambda: IntxUnpackedToInt8Tensor.from_hp(self.weights, block, torch.int4),
                lambda tensor: tensor.dequantize().float())}
        make = lambda how: lambda: Int4OpaqueTensor.from_hp(self.weights, list(block), how)
        return {
            "torchao": Way(
                "Int4OpaqueTensor, tinygemm", "bf16", make("tinygemm"), lambda _: self.plain(block)),
            "torchao.hqq": Way(
                "Int4OpaqueTensor, hqq", "bf16", make("hqq"), lambda _: self.hqq(length), True)}

    # Its packed codes are the kernel's own affair: what they were made of tells the error.

    def plain(self, block):
        scale, zero = _choose_qparams_affine_tinygemm(
            self.weights, MappingType.ASYMMETRIC, block, torch.int32, 0, 15, 1e-6, None,
            self.weights.dtype)
        codes = _quantize_affine_tinygemm(self.weights, block, scale, zero, torch.int32, 0, 15)
        return self.restored(codes, scale, zero, block[1])

    def hqq(self, length):
        codes, scale, zero, _ = _choose_qparams_and_quantize_affine_hqq(
            self.weights, nbits=4, group_size=length, axis=1, compute_dtype=self.weights.dtype,
            device=self.weights.device)
        return self.restored(codes, scale, zero, length)

    def restored(self, codes, scale, zero, length):
        codes = codes.reshape(-1, length).float() - 8
        return codes * scale.float().reshape(-1, 1) + zero.float().reshape(-1, 1)
