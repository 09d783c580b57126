"""Our kernels give every integer of golden/, both files of a kernel say the same, and a flipped bit is seen."""

import ast
import csv
import re
import struct
import sys
from pathlib import Path

import numpy
import pytest
import torch

from qtutor import (
    FixedPointMultiplier,
    QParams,
    add,
    avg_pool2d,
    conv2d,
    linear,
    multiply,
    quantize,
    requantize,
    rounding_right_shift,
    saturate,
    wrap,
)
from tests.golden import kernels, make, oracles
from tests.onnx_runtime import quantize_linear, run_operator

FOLDER = make.ROOT / "golden"
NAMES = [kernel.name for kernel in kernels.KERNELS]
KERNEL = dict(zip(NAMES, kernels.KERNELS, strict=True))
Case = dict[str, int | float | str]


# ---- reading the two files, without the code that wrote them -------------------------------------------------------------


def read_csv(text: str) -> list[Case]:
    """The cases of a readable file."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [{key: value_of(word) for key, word in row.items()} for row in csv.DictReader(lines)]


def value_of(word: str) -> int | float | str:
    """An integer, a float where there is a point or an exponent, else a name."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def read_mem(text: str) -> list[list[int]]:
    """The words of a .mem file by line, as $readmemh reads them: hex, comments apart."""
    return [[int(word, 16) for word in line.split()] for line in text.splitlines() if not line.startswith("//")]


def as_words(case: Case) -> list[int]:
    """What the .mem file should hold of a case, by the header of the .mem file."""
    modes = ["half_even", "half_up", "half_away", "floor", "ceil", "toward_zero"]
    codes = {**{name: i for i, name in enumerate(modes)}, "saturate": 0, "wrap": 1}
    words = []
    for value in case.values():
        if isinstance(value, float):
            words.append(int.from_bytes(struct.pack(">f", value), "big"))
        else:
            words.append((codes[value] if isinstance(value, str) else value) & 0xFFFFFFFF)
    return words


def stored(name: str, ending: str) -> str:
    return (FOLDER / f"{name}.{ending}").read_text("utf-8")


CASES = {name: read_csv(stored(name, "csv")) for name in NAMES}


# ---- our kernels ------------------------------------------------------------------------------------------------------


def form(c: Case, scale: float = 1.0) -> QParams:
    return QParams(scale, c["zero_point"], c["bit_width"], bool(c["signed"]), bool(c["narrow_range"]))


def operand(c: Case, name: str) -> QParams:
    return QParams(2.0 ** c[f"{name}_log2_scale"], c[f"{name}_zero_point"], 8, bool(c["signed"]))


def numbered(c: Case, letter: str, dtype: torch.dtype = torch.int8) -> torch.Tensor:
    return torch.tensor([value for key, value in c.items() if key[0] == letter and key[1:].isdigit()], dtype=dtype)


def whole(c: Case, name: str) -> torch.Tensor:
    return torch.tensor([c[name]], dtype=torch.int32)


def one_convolution(c: Case) -> torch.Tensor:
    x, weight = numbered(c, "x").reshape(1, *oracles.IMAGE), numbered(c, "w").reshape(1, *oracles.WINDOW)
    zeros = {"x_zero_point": c["x_zero_point"], "weight_zero_point": c["weight_zero_point"]}
    return conv2d(x, weight, whole(c, "bias"), c["stride"], c["padding"], **zeros)[0, 0, c["row"], c["column"]]


def one_window(c: Case) -> torch.Tensor:
    size = (c["height"], c["width"])
    return avg_pool2d(numbered(c, "q")[: size[0] * size[1]].reshape(1, *size), size, rounding=c["rounding"])


def both(kernel, c: Case) -> torch.Tensor:
    dtype = torch.int8 if c["signed"] else torch.uint8
    a, b = (torch.tensor([c[name]]).to(dtype) for name in "ab")
    return kernel(a, operand(c, "a"), b, operand(c, "b"), operand(c, "out"))


def one_dot_product(c: Case) -> torch.Tensor:
    x, w = numbered(c, "x")[None], numbered(c, "w")[None]
    return linear(x, w, whole(c, "bias"), c["x_zero_point"], c["weight_zero_point"])


OURS = {
    "quantize": lambda c: quantize(torch.tensor([c["x"]]), form(c, c["scale"]), c["rounding"], c["overflow"]),
    "saturate": lambda c: saturate(whole(c, "x"), c["bit_width"], bool(c["signed"]), bool(c["narrow_range"])),
    "wrap": lambda c: wrap(whole(c, "x"), c["bit_width"], bool(c["signed"])),
    "rounding_right_shift": lambda c: rounding_right_shift(whole(c, "x"), c["shift"], c["rounding"]),
    "add": lambda c: both(add, c),
    "multiply": lambda c: both(multiply, c),
    "linear": one_dot_product,
    "conv2d": one_convolution,
    "avg_pool2d": one_window,
    "requantize": lambda c: requantize(
        whole(c, "accumulator"), FixedPointMultiplier(c["mantissa"], c["shift"]), form(c), c["rounding"]
    ),
}


def disagreements(name: str, cases: list[Case]) -> list[int]:
    """The numbers of the cases where our kernel gives another integer."""
    return [i for i, case in enumerate(cases) if OURS[name](case).item() != case["expected"]]


@pytest.mark.parametrize("name", NAMES)
def test_our_kernel_gives_every_expected_integer(name):
    assert len(CASES[name]) == make.CASES
    assert disagreements(name, CASES[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_tell_much_apart(name):
    for column in ("rounding", "overflow", "signed", "narrow_range", "stride", "padding"):
        if column in CASES[name][0]:
            whole_list = {"rounding": 6, "padding": 3}.get(column, 2)
            assert len({case[column] for case in CASES[name]}) == whole_list
    values = [case["expected"] for case in CASES[name]]
    assert len(set(values)) > 40
    assert max(map(values.count, values)) < make.CASES / 4


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_of_an_expected_integer_is_seen(name):
    for place in (0, len(CASES[name]) - 1):
        for bit in (0, 31):
            wrong = [dict(case) for case in CASES[name]]
            wrong[place]["expected"] ^= 1 << bit
            assert disagreements(name, wrong) == [place]


@pytest.mark.parametrize("name", NAMES)
def test_further_cases_agree_too(name):
    golden = make.made(KERNEL[name], 50, seed=7, first=False)
    cases = read_csv(golden.csv)
    assert len(cases) == 50
    assert disagreements(name, cases) == []
    assert sum(case in CASES[name] for case in cases) < 10  # small numbers come again, the sequence does not


# ---- the two files of a kernel ------------------------------------------------------------------------------------------


def unequal(name: str, csv_text: str, mem_text: str) -> list[int]:
    """The numbers of the cases that the two files of a kernel say differently; -1 where their counts differ."""
    cases, lines = read_csv(csv_text), read_mem(mem_text)
    if len(cases) != len(lines):
        return [-1]
    return [i for i, (case, line) in enumerate(zip(cases, lines, strict=True)) if as_words(case) != line]


@pytest.mark.parametrize("name", NAMES)
def test_the_hex_twin_says_the_same(name):
    assert unequal(name, stored(name, "csv"), stored(name, "mem")) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_of_the_hex_twin_is_seen(name):
    text = stored(name, "mem")
    last = int(text[-2], 16)
    assert unequal(name, stored(name, "csv"), f"{text[:-2]}{last ^ 1:x}\n") == [make.CASES - 1]
    assert unequal(name, stored(name, "csv"), text.rsplit("\n", 2)[0] + "\n") == [-1]


@pytest.mark.parametrize("name", NAMES)
def test_the_header_says_how_the_words_lie(name):
    text = stored(name, "mem")
    count = len(CASES[name][0])
    assert f"reg [31:0] golden [0:{make.CASES * count - 1}]" in text
    assert f"// {' '.join(CASES[name][0])}\n" in text
    assert text.endswith("\n")
    assert {len(word) for line in text.splitlines() if line[:2] != "//" for word in line.split(" ")} == {8}


# ---- the page about them ------------------------------------------------------------------------------------------------

PAGE = (make.ROOT / "docs" / "golden.md").read_text("utf-8")


def test_the_page_names_every_kernel():
    listed = re.search(r"The kernels are (.*?)\. In Verilog", PAGE, flags=re.DOTALL)
    assert re.findall(r"`(\w+)`", listed[1]) == NAMES


def test_its_python_reads_a_file(monkeypatch):
    monkeypatch.chdir(make.ROOT)
    found = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[1], found)
    assert [int(case["expected"]) for case in found["cases"]] == [case["expected"] for case in CASES["requantize"]]


def test_its_verilog_declares_the_memory_that_the_file_fills():
    declared = re.search(r"reg \[31:0\] golden \[0:\d+\]", PAGE)[0]
    assert declared in stored("requantize", "mem").splitlines()[1]
    assert re.search(r"golden\[i\*(\d+)\]", PAGE)[1] == str(len(KERNEL["requantize"].columns))


# ---- making them again --------------------------------------------------------------------------------------------------


def test_making_them_again_gives_the_same_bytes(tmp_path):
    make.write(tmp_path, make.CASES, make.SEED, first=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in FOLDER.iterdir()}


def test_another_seed_gives_other_cases():
    assert make.made(KERNEL["wrap"], 20, 1, first=False) != make.made(KERNEL["wrap"], 20, 2, first=False)


def test_a_count_below_one_is_refused(capsys):
    with pytest.raises(SystemExit):
        make.main(["--more", "0"])
    assert "--more 0 is no number of cases: give 1 or more." in capsys.readouterr().err


def imported(path: Path) -> set[str]:
    """The packages that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in names | {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}}


@pytest.mark.parametrize("module", [make, kernels, oracles])
def test_the_maker_shares_no_code_with_what_it_judges(module):
    assert imported(Path(module.__file__)) - set(sys.stdlib_module_names) <= {"tests", "numpy"}
    assert "qtutor" in imported(Path(__file__))


# ---- a second oracle: ONNX Runtime, where it has the operator -------------------------------------------------------------


def test_onnx_runtime_gives_the_integers_of_quantize():
    cases = [c for c in CASES["quantize"] if (c["rounding"], c["overflow"]) == ("half_even", "saturate")]
    cases = [c for c in cases if c["bit_width"] in (8, 16) and not c["narrow_range"]]
    for c in cases:
        dtype = f"{'' if c['signed'] else 'u'}int{c['bit_width']}"
        theirs = quantize_linear(numpy.array([c["x"]], numpy.float32), c["scale"], c["zero_point"], dtype)
        assert theirs.item() == c["expected"]
    assert len(cases) >= 4


def test_onnx_runtime_gives_the_sums_of_linear():
    for c in CASES["linear"]:
        arrays = {"x": numbered(c, "x")[None].numpy(), "w": numbered(c, "w")[:, None].numpy()}
        arrays |= {name: numpy.array(c[f"{name}_point"], numpy.int8) for name in ("x_zero", "weight_zero")}
        assert run_operator("MatMulInteger", arrays).item() + c["bias"] == c["expected"]


def test_onnx_runtime_gives_the_sums_of_conv2d():
    for c in CASES["conv2d"][::4]:
        x, w = numbered(c, "x").reshape(1, *oracles.IMAGE), numbered(c, "w").reshape(1, *oracles.WINDOW)
        arrays = {"x": x.numpy(), "w": w.numpy()}
        arrays |= {name: numpy.array(c[f"{name}_point"], numpy.int8) for name in ("x_zero", "weight_zero")}
        theirs = run_operator("ConvInteger", arrays, pads=[c["padding"]] * 4, strides=[c["stride"]] * 2)
        assert theirs[0, 0, c["row"], c["column"]] + c["bias"] == c["expected"]
