"""Which arithmetic answers on this machine: a library's result can depend on it, so every row names it."""

import platform
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
        return "unknown"
    return "yes" if flags & {"avx512_vnni", "avx_vnni"} else "no"


ENGINES = {  # a row names one of these; what runs here stands behind it
    "ONNX Runtime": ("onnxruntime CPU, x86_64", lambda: f"onnxruntime CPU, {machine()}"),
    "ONNX Runtime, VNNI": ("onnxruntime CPU, x86_64, VNNI yes", lambda: f"onnxruntime CPU, {machine()}, VNNI {vnni()}"),
    "torch quantized": (
        "x86_64, FBGEMM",
        lambda: f"{machine()}, {'FBGEMM' if 'fbgemm' in torch.backends.quantized.supported_engines else 'no FBGEMM'}",
    ),
    "torch": ("torch CPU, x86_64", lambda: f"torch CPU, {machine()}"),
    "Python": ("Python integers and fractions", lambda: "Python integers and fractions"),
}


def engine(kind: str) -> str:
    """The engine that the stored rows of a kind were computed with."""
    return ENGINES[kind][0]


def runs_here(name: str) -> bool:
    """True where this machine computes with the engine of that name."""
    return name in {here() for _, here in ENGINES.values()}
