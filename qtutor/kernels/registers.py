"""In which numbers sums of products are found: exact in any order, whatever the device and its settings, and soon."""

import platform
from collections.abc import Callable

import torch

CPU = torch.device("cpu")
X86 = platform.machine().lower() in ("x86_64", "amd64")
FEW = 2**18  # products


def dtype_for_sums(largest: int, products: int, of_bytes: bool) -> torch.dtype:
    """Return a dtype in which sums of so many products, of magnitudes up to `largest`, are exact in any order.

    Matrices of floats are multiplied many times faster than those of integers, in float32 twice as fast as in float64;
    but few products are sooner multiplied as they are than made floats.

    >>> dtype_for_sums(2**24, 2**20, of_bytes=True), dtype_for_sums(2**24 + 1, 2**20, of_bytes=True)
    (torch.float32, torch.float64)
    """
    if largest > 2**53:
        return torch.int64
    if products <= FEW and largest < 2**31:
        return torch.int32
    return torch.float32 if of_bytes and largest <= 2**24 else torch.float64


Register = tuple[torch.dtype, torch.device]


def register_on(device: torch.device, dtype: torch.dtype, in_float32: Callable[[], bool] = lambda: True) -> Register:
    """Return dtype, or float64 where that is as exact and the device or its settings ask for it; and where to compute.

    No setting makes float64 less exact. Those that let processors multiply float32 faster (for example
    torch.set_float32_matmul_precision, oneDNN's ONEDNN_DEFAULT_FPMATH_MODE) round the operands, to no fewer than bfloat16's
    8 bits, and sum in float32: distances between bytes, up to 255, stay as they are. Only autocast rounds the sums too.
    CUDA multiplies no integers, and other accelerators have no float64: the CPU computes what they cannot.

    >>> register_on(CPU, torch.float32), register_on(torch.device("cuda"), torch.float32)
    ((torch.float32, device(type='cpu')), (torch.float64, device(type='cuda')))
    """
    if device.type == "cuda" and dtype != torch.int64:
        return torch.float64, device
    if dtype == torch.float32 and (torch.is_autocast_enabled("cpu") or not in_float32()):
        return torch.float64, CPU
    return dtype, CPU


def convolves_directly() -> bool:
    """Return True where torch sums a convolution of float32 product by product: in oneDNN, on an x86 processor.

    Others, for example NNPACK where oneDNN is switched off, may take Winograd's way, whose fractions float32 rounds.

    >>> was, torch.backends.mkldnn.enabled = torch.backends.mkldnn.enabled, False
    >>> convolves_directly()
    False
    >>> torch.backends.mkldnn.enabled = was
    """
    return X86 and torch.backends.mkldnn.is_available() and bool(torch.backends.mkldnn.enabled)  # type: ignore[no-untyped-call]
