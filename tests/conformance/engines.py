"""Which arithmetic answers on this machine: a library's result can depend on it, so every row names it."""

import platform
from collections.abc import Callable
from pathlib import Path

import torch


def machine() -> str:
    """The processor's kind by one name: Windows says AMD64 where Linux says x86_64."""
    name = platform.machine().lower()
    return {"amd64": "x86_64", "aarch64": "arm64"}.get(name, name)


def vnni() -> str:
    """Whether this processor multiplies uint8 × int8 without an int16 in between, as far as the system tells."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "VNNI unknown"
    return "VNNI" if flags & {"avx512_vnni", "avx_vnni"} else "no VNNI"


def fbgemm() -> str:
    """torch's quantized dtypes by FBGEMM, whose vectors multiply and add in one step from AVX2 on."""
    vectors = "AVX2 or later" if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512") else "no AVX2"
    return (
        f"{machine()} with {vectors}, {'' if 'fbgemm' in torch.backends.quantized.supported_engines else 'no '}FBGEMM"
    )


ENGINES: dict[str, tuple[str, Callable[[], str]]] = {  # what the stored rows were computed with; what computes here
    "ONNX Runtime": ("CPU provider, x86_64", lambda: f"CPU provider, {machine()}"),
    "ONNX Runtime, VNNI": ("CPU provider, x86_64 with VNNI", lambda: f"CPU provider, {machine()} with {vnni()}"),
    "torch quantized": ("x86_64 with AVX2 or later, FBGEMM", fbgemm),
    "torch": ("torch CPU, x86_64", lambda: f"torch CPU, {machine()}"),
    "torch by element": (
        "torch's division, sum and rounding, any CPU",
        lambda: "torch's division, sum and rounding, any CPU",
    ),
    "Python": ("Python integers and fractions", lambda: "Python integers and fractions"),
}


def engine(kind: str) -> str:
    """The engine that the stored rows of a kind were computed with."""
    return ENGINES[kind][0]


def runs_here(name: str) -> bool:
    """True where this machine computes with the engine of that name."""
    return name in {here() for _, here in ENGINES.values()}
