"""The conformance table: `python3 run.py conformance` computes it and writes docs/conformance.json and docs/conformance.md."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from tests.conformance import fixed_point_rows, onnx_rows, tflite_rows, torch_rows
from tests.conformance.domains import PITFALL
from tests.conformance.engines import runs_here
from tests.conformance.row import Row, compared
from tests.onnx_runtime import quantize_linear

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS: list[Row] = [*onnx_rows.ROWS, *torch_rows.ROWS, *tflite_rows.ROWS, *fixed_point_rows.ROWS]


def stored() -> dict:
    """The table as it is committed."""
    return json.loads((DOCS / "conformance.json").read_text("utf-8"))


def half_away_answers(before: bool) -> list[int]:
    """The pitfall through half away from zero, by the Python oracle: before the zero point is added, or after."""
    fractions = [tflite_rows.Fraction(x) for x in PITFALL.tolist()]
    return [tflite_rows.half_away(x + (not before)) + before for x in fractions]


PITFALL_ANSWERS: dict[str, Callable[[], list]] = {
    "Brevitas": lambda: torch_rows.brevitas_integers(PITFALL, torch.tensor(1.0), 1, 8, False, torch_rows.RoundSte).tolist(),
    "torch.quantize_per_tensor": lambda: torch_rows.quantize_per_tensor(PITFALL, 1.0, 1, torch.quint8).tolist(),
    "ONNX Runtime QuantizeLinear": lambda: quantize_linear(PITFALL.numpy(), 1.0, 1, "uint8").tolist(),
    "torch.fake_quantize_per_tensor_affine": lambda: (
        torch.fake_quantize_per_tensor_affine(PITFALL, 1.0, 1, 0, 255) + 1
    ).tolist(),
    "half away from zero after the zero point (gemmlowp's example)": lambda: half_away_answers(before=False),
    "half away from zero before the zero point (TFLite)": lambda: half_away_answers(before=True),
}  # fmt: skip


def pitfall() -> dict:
    """The same four numbers through published quantizers."""
    answers = [{"who": who, "integers": [int(q) for q in answer()]} for who, answer in PITFALL_ANSWERS.items()]
    return {"x": PITFALL.tolist(), "scale": 1.0, "zero_point": 1, "answers": answers}


def double_rounding() -> dict:
    """An accumulator that two roundings move and one does not."""
    accumulator, mantissa, shift = tflite_rows.DOUBLING_ROUNDED
    once, twice = (
        rule(accumulator, mantissa, shift) for rule in (tflite_rows.multiply_once, tflite_rows.multiply_twice)
    )
    return {"accumulator": accumulator, "mantissa": mantissa, "shift": shift, "once": once, "twice": twice}


def computed() -> dict:
    """The whole table, every figure measured now."""
    rows = []
    for row in ROWS:
        print(row.name, "…", flush=True)
        rows.append(compared(row))
    return {"rows": rows, "pitfall": pitfall(), "double_rounding": double_rounding()}


def page(table: dict) -> str:
    """The table as docs/conformance.md."""
    libraries = {row["library"]: [r for r in table["rows"] if r["library"] == row["library"]] for row in table["rows"]}
    parts = [HEAD, overview(libraries), pitfall_section(table["pitfall"], table["double_rounding"])]
    return "\n".join([*parts, *(section(library, rows) for library, rows in libraries.items())])


def overview(libraries: dict[str, list[dict]]) -> str:
    """A line a library."""
    lines = [
        "| library | rows matched bit for bit | cases | mismatches | rows that cannot be matched |",
        "|---|---|---|---|---|",
    ]
    for library, rows in libraries.items():
        exact = [row for row in rows if row["kind"] == "exact"]
        cases, mismatches = (sum(row[key] for row in exact) for key in ("cases", "mismatches"))
        lines.append(f"| {library} | {len(exact)} | {cases:,} | {mismatches} | {len(rows) - len(exact)} |")
    return "\n".join([*lines, ""])


def section(library: str, rows: list[dict]) -> str:
    """One library: what it is compared as, and its rows."""
    how = (
        "the library itself"
        if rows[0]["source"] == "library"
        else "re-implemented in plain Python from its description"
    )
    lines = [f"## {library}\n", f"{rows[0]['version']}: {how}.\n"]
    for row in rows:
        lines += [
            f"### {row['id']}\n",
            f"`{row['settings']}`\n",
            f"- {verdict(row)}",
            f"- Operator {row['operator']}; engine {row['engine']}; scale {row['scale_dtype']}.",
            f"- Domain: {row['domain']}.",
            *([f"- Note: {row['note']}."] if row["note"] else []),
            "",
        ]
    return "\n".join(lines)


def verdict(row: dict) -> str:
    """The measured figures of a row, as a sentence."""
    if not row["mismatches"]:
        found = "" if row["kind"] == "exact" else " Elsewhere there can be."
        return f"**{row['cases']:,} cases, 0 mismatches.**{found}"
    rate = row["mismatches"] / row["cases"]
    return f"**{row['cases']:,} cases, {row['mismatches']:,} mismatches ({rate:.4%})**; the first: `{row['first_mismatch']}`."


def pitfall_section(found: dict, twice: dict) -> str:
    """Four numbers, six quantizers; and one accumulator rounded twice."""
    answers = "\n".join(f"| {a['who']} | {' '.join(map(str, a['integers']))} |" for a in found["answers"])
    return (
        f"## The same numbers, different integers\n\nx = {' '.join(map(str, found['x']))} at scale {found['scale']:g}, zero point "
        f"{found['zero_point']}:\n\n| quantizer | integers |\n|---|---|\n{answers}\n\n"
        f"And {twice['accumulator']} × {twice['mantissa']}, shift {twice['shift']}: rounded once {twice['once']}, twice {twice['twice']}.\n"
    )


HEAD = """# Conformance

Which settings of our kernels give, bit for bit, what a published quantizer gives? Written by `python3 run.py conformance`: every figure
below was counted in that run, and a test counts it again. A row that cannot be matched, because a library rounds twice or rescales in
float32, says so and gives the measured rate.

Each expression is the very text that was evaluated. `x`, `a`, `b`, `q`, `weight` are tensors, a `scale` that is divided by is a float32
tensor, the other names are the row's parameters. A row was computed with the engine that it names; on a machine with another, the
test leaves it out. The same as data: [conformance.json](conformance.json). A new row is one more entry in `ROWS` of a file in
`tests/conformance`.
"""


def main() -> int:
    elsewhere = sorted({row.engine for row in ROWS if not runs_here(row.engine)})
    if elsewhere:
        print(f"This machine does not compute with {'; '.join(elsewhere)}: the table stays as it is.", file=sys.stderr)
        return 1
    table = computed()
    (DOCS / "conformance.json").write_text(
        json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
    (DOCS / "conformance.md").write_text(page(table), encoding="utf-8", newline="\n")
    print("Written to docs/conformance.json and docs/conformance.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
