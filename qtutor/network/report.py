"""Bring your own model: its formats, its accumulators, its budget, and its integers beside Brevitas's, in one report.

`python -m qtutor.network.report my_model.py` runs a file that defines `model`, a Brevitas model in eval mode, and `inputs`, a
batch of floats for it, and if it likes `labels`; it prints the report, and writes the integers as my_model.npz, my_model.h
and my_model.onnx.
"""

from __future__ import annotations

import argparse
import io
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qtutor.network.budget import BudgetRow, budget, table
from qtutor.network.c_header import save_c_header
from qtutor.network.comparison import LISTED, NEAR, Difference, Place, compare
from qtutor.network.integer_files import save_npz
from qtutor.network.integer_layers import ROUTES
from qtutor.network.integer_network import IntegerNetwork
from qtutor.network.lowering import lower
from qtutor.network.training import reals

PIECE = 250  # inputs that are compared at once, so that large batches fit the memory
SHOWN = 10  # differences of a place that the report prints one by one
Watch = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What `report` returns; print it, or read its parts.

    network  the model as integer layers
    places   our integers beside Brevitas's, place by place
    rows     the budget
    inputs   how many inputs were compared
    answers  by route, and "brevitas": the class of the largest output for each input, int64 [N]; nothing where the
             outputs are no scores [N, classes]
    labels   the right classes, where they were given
    onnx     a sentence about the ONNX file; empty where none was asked for
    ties     for how many inputs the largest of our outputs stands there twice: we name the first, and Brevitas the one
             whose float is a last bit larger
    """

    network: IntegerNetwork
    places: tuple[Place, ...]
    rows: tuple[BudgetRow, ...]
    inputs: int
    answers: dict[str, Tensor]
    labels: Tensor | None = None
    onnx: str = ""
    ties: int = 0

    def __str__(self) -> str:
        parts = [
            str(self.network),
            "What one input costs, in products and bits:\n" + table(self.rows),
            differences(self.places, self.inputs),
            self._answers(),
        ]
        return "\n\n".join([*parts, self.onnx] if self.onnx else parts)

    def _answers(self) -> str:
        if not self.answers:
            return "The model's outputs are no scores [N, classes]: no largest one is counted."
        theirs = self.answers["brevitas"]
        same = " and ".join(f"{int((self.answers[route] == theirs).sum())} by {route}" for route in ROUTES)
        text = f"The largest output is the model's own for {same}, of {self.inputs}."
        if self.ties:
            has = "has" if self.ties == 1 else "have"
            text += f"\n{self.ties} of {self.inputs} {has} two equal largest outputs: a tie, no error; the integers name the first."
        if self.labels is None:
            return text
        right = {name: int((found == self.labels).sum()) for name, found in self.answers.items()}
        ours = " and ".join(f"{right[route]} by {route}" for route in ROUTES)
        return f"{text}\nOf {self.inputs} labels the model names {right['brevitas']} rightly, the integers {ours}."


def report(
    model: nn.Module,
    x: Tensor,
    labels: Tensor | None = None,
    onnx_path: str | Path | None = None,
    watch: Watch | None = None,
) -> Report:
    """Lower a Brevitas model, and say what its integers are, what they cost, and where they are not Brevitas's.

    model      as for `lower`: of supported layers, in eval mode, of any widths 1 … 8. It is not changed
    x          inputs of the model, floats [N, ...]: the more, the more is compared
    labels     the right classes, integers [N]; None where accuracy is not asked for
    onnx_path  where to write the integer network as ONNX; None for nowhere
    watch      is told in a sentence what begins, for example print
    returns    a Report; `print(report(model, x))` shows all of it
    raises     TypeError and ValueError as `lower`; for inputs that the model does not take; for labels of another length,
               or of a model whose outputs are no scores

    >>> from qtutor.network.checkpoints import load_checkpoint
    >>> from qtutor.network.training import load_pixels
    >>> pixels, labels = load_pixels()
    >>> print(str(report(load_checkpoint("mlp_w2a2"), pixels[:90], labels[:90])).splitlines()[-1])
    Of 90 labels the model names 90 rightly, the integers 90 by multipliers and 90 by thresholds.
    """
    say = watch or (lambda sentence: None)
    _require_batch(x, labels)
    say("Lowering the model: thresholds are searched for every channel …")
    network = lower(model, x[:1])
    output = _outputs(model, x)
    if labels is not None and output.dim() != 2:
        raise ValueError(
            f"the model gives {list(output.shape)}, and labels are of scores [N, classes]: leave them out."
        )
    q = network.quantize_input(x)
    onnx = "" if onnx_path is None else _written(network, q, Path(onnx_path))
    places = compared(model, network, x, say)
    ours = {route: torch.cat([network(part, route) for part in pieces(q)]) for route in ROUTES}
    scores = {"brevitas": output, **ours} if output.dim() == 2 else {}
    answers = {name: found.argmax(1) for name, found in scores.items()}
    ties = tied(ours["multipliers"]) if scores else 0
    return Report(network, tuple(places), tuple(budget(network, q)), len(x), answers, labels, onnx, ties)


def tied(outputs: Tensor) -> int:
    """Return for how many inputs the largest output [N, classes] stands there more than once.

    >>> tied(torch.tensor([[3, 1, 3], [1, 3, 1]]))
    1
    """
    return int(((outputs == outputs.amax(1, keepdim=True)).sum(1) > 1).sum())


def _require_batch(x: Tensor, labels: Tensor | None) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.dim() < 2 or not len(x):
        given = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"the inputs are {given}: give a float tensor [N, ...], as the model takes it.")
    if labels is not None and (not isinstance(labels, Tensor) or labels.shape != x.shape[:1]):
        given = f"of shape {tuple(labels.shape)}" if isinstance(labels, Tensor) else f"a {type(labels).__name__}"
        raise ValueError(
            f"the labels are {given}, and there are {len(x)} inputs: give an integer tensor, one for each."
        )


def _outputs(model: nn.Module, x: Tensor) -> Tensor:
    try:
        with torch.no_grad():
            return torch.cat([reals(model(part)) for part in pieces(x)])
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"the model does not take inputs of shape {tuple(x.shape)} ({reason}): give others.") from None


def _written(network: IntegerNetwork, q: Tensor, path: Path) -> str:
    from qtutor.network.onnx_integers import export_integers  # onnx is asked for only here

    try:
        export_integers(network, q, path)
    except ValueError as error:
        return f"There is no ONNX file: {error}"
    return f"The integer network stands in {path.name} as ONNX operators on integers."


def compared(model: nn.Module, network: IntegerNetwork, x: Tensor, say: Watch) -> list[Place]:
    """Return what `compare` returns, of a batch of any length."""
    found: list[Place] = []
    for number, part in enumerate(pieces(x)):
        say(f"Comparing with Brevitas: inputs {number * PIECE + 1} to {number * PIECE + len(part)} of {len(x)} …")
        places = [_moved(place, number * PIECE) for place in compare(model, network, part)]
        found = [_both(a, b) for a, b in zip(found, places, strict=True)] if found else places
    return found


def pieces(x: Tensor) -> list[Tensor]:
    """Return a batch in pieces of at most PIECE inputs."""
    return [x[start : start + PIECE] for start in range(0, len(x), PIECE)]


def _moved(place: Place, begin: int) -> Place:
    """Return the place with its differences counted from the first input of the whole batch."""
    each = tuple(replace(one, index=(one.index[0] + begin, *one.index[1:])) for one in place.each)
    return replace(place, each=each)


def _both(a: Place, b: Place) -> Place:
    far = [f for f in (a.farthest, b.farthest) if f is not None]
    differing, travelled = (
        {r: p[r] + q[r] for r in p} for p, q in ((a.differing, b.differing), (a.travelled, b.travelled))
    )
    each = (*a.each, *b.each)[:LISTED]
    both_ways, unexplained = a.both_ways + b.both_ways, a.unexplained + b.unexplained
    farthest = max(far, default=None)
    return Place(a.name, a.count + b.count, differing, travelled, both_ways, farthest, each, unexplained)


def differences(places: Sequence[Place], inputs: int) -> str:
    """Return in words how many integers are not Brevitas's, and why.

    >>> print(differences([Place("relu1", 640, {"multipliers": 0, "thresholds": 0}, {"multipliers": 0, "thresholds": 0})], 10))
    Compared with Brevitas on 10 inputs: 640 integers at 1 place; not equal are 0 by multipliers and 0 by thresholds.
    """
    total = {route: sum(place.differing[route] for place in places) for route in ROUTES}
    head = (
        f"Compared with Brevitas on {inputs:,} inputs: {sum(p.count for p in places):,} integers at {len(places)} "
        f"place{'s' if len(places) > 1 else ''}; not equal are {_routes(total)}."
    )
    return "\n".join([head, *(explained(place) for place in places if any(place.differing.values()))])


def explained(place: Place) -> str:
    """Return in words why a place has integers that are not Brevitas's.

    >>> place = Place("relu1", 640, {"multipliers": 1, "thresholds": 0}, {"multipliers": 4, "thresholds": 0}, 0, 2e-6)
    >>> for sentence in explained(place).split(". "):
    ...     print(sentence)
    relu1: 1 by multipliers and 0 by thresholds, given Brevitas's own integers
    At most 2.0e-06 of a step from a tie, where float32 decides by its own rounding
    In the network on its own: 4 by multipliers and 0 by thresholds.
    """
    text = f"{place.name}: {_routes(place.differing)}, given Brevitas's own integers. "
    text += f"{_reason(place)} "
    if place.both_ways:
        text += f"For {place.both_ways} of them Brevitas itself gives two integers for the same accumulator on these inputs. "
    text += f"In the network on its own: {_routes(place.travelled)}."
    lines = [f"  {written(one)}" for one in place.each[:SHOWN]]
    more = len(place.each) - SHOWN
    return "\n".join([text, *lines, *([f"  and {more} more, which report(…).places holds"] if more > 0 else [])])


def _reason(place: Place) -> str:
    far = "" if place.farthest is None else f"Up to {place.farthest:.1e} of a step from a tie: "
    if place.unexplained:
        begin = f"{far}float32" if far else "Float32"
        return f"{begin} does not explain {place.unexplained:,} of them, please tell us."
    if place.farthest is None:
        return "These are sums: ours are exact, and Brevitas adds in float32."
    if place.farthest < NEAR:
        return f"At most {place.farthest:.1e} of a step from a tie, where float32 decides by its own rounding."
    return f"{far}gains are so far apart, or sums so large, that float32 and multipliers of one shift are as coarse."


def written(one: Difference) -> str:
    """Return one difference in words.

    >>> written(Difference((17, 3, 0, 5), -1204, 6, {"multipliers": 7, "thresholds": 7}, 4.1e-6, False))
    'input 17, channel 3, row 0, column 5: accumulator -1204, Brevitas 6, multipliers 7, thresholds 7; 4.1e-06 step from the tie'
    """
    names = ("input", "channel", "row", "column")
    where = ", ".join(f"{name} {place}" for name, place in zip(names, one.index, strict=False))
    ours = ", ".join(f"{route} {q}" for route, q in one.ours.items())
    return (
        f"{where}: accumulator {one.accumulator}, Brevitas {one.brevitas}, {ours}; {one.distance:.1e} step from the tie"
    )


def _routes(counts: dict[str, int]) -> str:
    return " and ".join(f"{counts[route]:,} by {route}" for route in ROUTES)


# ---- the command -----------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Run the command; return 0, or 1 after a sentence that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m qtutor.network.report", description=__doc__.splitlines()[0])
    parser.add_argument(
        "file", help="a Python file that defines model and inputs; FILE.py:NAME takes NAME for the model"
    )
    parser.add_argument("--into", type=Path, default=Path(), help="the folder for the .npz, .h and .onnx files (here)")
    options = parser.parse_args(arguments)
    try:
        run(options.file, options.into)
    except (OSError, TypeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(file: str, folder: Path) -> None:
    """Report on the model of a file, and write its integers into a folder."""
    path, name = split(file)
    print(f"Running {path.name} …", flush=True)
    defined = names_of(path)
    for wanted in (name, "inputs"):
        if wanted not in defined:
            raise ValueError(f"{path.name} defines no {wanted}: it needs {name}, a Brevitas model, and inputs for it.")
    stem = _made(folder) / (path.stem if name == "model" else name)
    onnx, npz, header = (stem.with_name(f"{stem.name}.{kind}") for kind in ("onnx", "npz", "h"))  # a stem may hold dots
    found = report(
        defined[name],
        defined["inputs"],
        defined.get("labels"),
        onnx,
        lambda s: print(s, flush=True),
    )
    print(f"\n{found}\n")
    save_npz(found.network, npz)
    if not found.network.steps:
        print(
            f"The integers stand in {npz.name}. There is no C header: the network has no layers after its input quantizer."
        )
        return
    save_c_header(found.network, header, found.network.quantize_input(defined["inputs"][:1]))
    print(f"The integers of every layer stand in {npz.name}, and as C in {header.name}.")


def _made(folder: Path) -> Path:
    """Return a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{folder} is a file, or lies in one: give --into the name of a folder.") from None
    return folder


def split(file: str) -> tuple[Path, str]:
    """Return the path and the model's name of FILE.py or FILE.py:NAME.

    >>> split("nets/lenet.py:small")[1], split("lenet.py")[1]
    ('small', 'model')
    """
    before, colon, name = file.rpartition(":")
    return (Path(before), name) if colon and name.isidentifier() else (Path(file), "model")


def names_of(path: Path) -> dict[str, Any]:
    """Return what a Python file defines; it may import what stands beside it."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}: give a Python file that defines model and inputs.")
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return runpy.run_path(str(path), run_name="model_file")
    except Exception as error:  # whatever the user's own code raises
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else "?"
        raise ValueError(f"{path.name}, line {line}: {type(error).__name__}: {error}. Mend the file first.") from None
    finally:
        sys.path.pop(0)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):  # into a file or a pipe Windows writes letters of its own, without "−"
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
