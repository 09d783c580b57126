"""An integer-only network: integers in, integers out, and on the way nothing but additions, products and shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from qtutor.kernels.checks import require_integers
from qtutor.kernels.rounding import round_floats
from qtutor.network.integer_layers import ROUTES, IntegerAdd, IntegerLayer, IntegerRequantize, called, container
from qtutor.qparams import QParams, narrowest_format

OPERATIONS = {
    "mul": lambda x, value: x * value,
    "add": lambda x, value: x + value,
    "sub": lambda x, value: x - value,
    "rsub": lambda x, value: value - x,
    "truediv": lambda x, value: x / value,
}


@dataclass(frozen=True)
class Meaning:
    """What the integers of one place in the network mean: real = scale * (q - zero_point), low <= q <= high.

    scale       a Python float, or a tuple of them, one a channel
    zero_point  the integer that stands for real 0.0
    low, high   the ends of a format; of accumulators, the lowest and the highest that these weights can give
    bipolar     the integers are -1 and +1: one bit
    """

    scale: float | tuple[float, ...]
    zero_point: int
    low: int
    high: int
    bipolar: bool = False

    @property
    def bit_width(self) -> int:
        """The bits of the narrowest format that holds low and high; 1 where there are only -1 and +1.

        >>> Meaning(0.5, 0, 0, 15).bit_width, Meaning(0.5, 0, -1, 1, bipolar=True).bit_width
        (4, 1)
        """
        return 1 if self.bipolar else narrowest_format(self.low, self.high)[0]

    @property
    def format(self) -> QParams:
        """The narrowest format of this range and its zero point, with scale 1: narrow_range where its lowest integer is not needed.

        >>> Meaning(0.5, 0, -7, 7).format.int_min, Meaning(0.5, 0, -8, 7).format.int_min
        (-7, -8)
        """
        low, high = min(self.low, self.zero_point), max(self.high, self.zero_point)
        bits, signed = narrowest_format(low, high)
        return QParams(
            1.0, self.zero_point, bits, signed, narrow_range=signed and bits > 1 and low > -(2 ** (bits - 1))
        )

    @property
    def signed(self) -> bool:
        """Whether there are integers below 0."""
        return self.low < 0


@dataclass(frozen=True)
class InputStage:
    """The only place where floats come in: what the model did before its first quantizer, and that quantizer.

    before   (operation, number) each, in float32: ("mul", 2.0), ("sub", 1.0)
    """

    name: str
    before: tuple[tuple[str, float], ...]
    meaning: Meaning
    rounding: str

    def steps(self, x: Tensor) -> Tensor:
        """Return x in steps of the input's scale, zero point added, not yet rounded, as Brevitas computes it in float32."""
        for operation, value in self.before:
            x = OPERATIONS[operation](x, value)
        return x / torch.tensor(self.meaning.scale) + self.meaning.zero_point

    def quantize(self, x: Tensor) -> Tensor:
        """Return the integers that Brevitas's own input quantizer makes of x."""
        steps, meaning = self.steps(x), self.meaning
        dtype = container(meaning.low, meaning.high)
        if meaning.bipolar:
            return torch.where(steps >= 0, 1, -1).to(dtype)
        return round_floats(steps, self.rounding).clamp_(meaning.low, meaning.high).to(dtype)


@dataclass(frozen=True, eq=False)
class Step:
    """A layer and the values that it takes: 0 is the network's input, n what step n gives."""

    layer: IntegerLayer
    inputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """What `lower` returns.

    input      how floats become its first integers
    steps      the layers, in the order in which they run
    meanings   what the integers of the input and of each step mean: len(steps) + 1 of them
    places     (name of a quantizer or layer in the model, the value that is its output) each: pooling and flattening
               can have changed places with a quantizer, so that the value is not always the layer's own
    """

    input: InputStage
    steps: tuple[Step, ...]
    meanings: tuple[Meaning, ...]
    places: tuple[tuple[str, int], ...]

    def __call__(self, x: Tensor, route: str = "multipliers") -> Tensor:
        """Return the network's last integers for integers x, as `quantize_input` gives them.

        x        integers [N, ...] in the input's range; floats where each lies on the input's grid already
        route    multipliers (fixed point, one rounding) or thresholds
        returns  integers [N, ...]: their meaning is meanings[-1]
        raises   TypeError for what is no tensor; ValueError for integers outside the range, floats off the grid,
                 another route
        """
        return self.values(x, route)[-1]

    def trace(self, x: Tensor, route: str = "multipliers") -> dict[str, Tensor]:
        """Return the integers of every place, by the layer's name, the input first."""
        return dict(zip(self.names, self.values(x, route), strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the input and of every step."""
        return (self.input.name, *(step.layer.name for step in self.steps))

    def layer(self, name: str) -> IntegerLayer:
        """Return the layer of a name; raise ValueError with the names that there are."""
        for step in self.steps:
            if step.layer.name == name:
                return step.layer
        raise ValueError(f"there is no layer {name!r}: there are {', '.join(self.names[1:])}.")

    def meaning(self, name: str) -> Meaning:
        """Return what the integers mean that the layer of a name gives."""
        if name not in self.names:
            raise ValueError(f"there is no layer {name!r}: there are {', '.join(self.names)}.")
        return self.meanings[self.names.index(name)]

    def quantize_input(self, x: Tensor) -> Tensor:
        """Return the integers that Brevitas's own input quantizer makes of the floats x.

        raises   TypeError for integers; ValueError for NaN and infinities
        """
        if not isinstance(x, Tensor) or not x.is_floating_point():
            kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"x is {kind}, and the input quantizer takes floats: x.float() makes them of a tensor.")
        if not torch.isfinite(x).all():
            raise ValueError("x holds NaN or an infinity, which has no integer: remove it first.")
        return self.input.quantize(x.to(torch.float32))

    def real(self, q: Tensor) -> Tensor:
        """Return the last integers in the model's own real units, float64: for looking at, not for computing with.

        raises   TypeError for what is no integer tensor
        """
        require_integers(q)
        meaning = self.meanings[-1]
        scale = torch.tensor(meaning.scale, dtype=torch.float64)
        steps = (q - meaning.zero_point).to(torch.float64)
        result: Tensor = steps * (scale.reshape(-1, *[1] * (q.dim() - 2)) if scale.dim() else scale)
        return result

    def values(self, x: Tensor, route: str = "multipliers") -> list[Tensor]:
        """Return the integers of the input and of every step, in order."""
        if route not in ROUTES:
            raise ValueError(f"route {route!r} is no way through the network: use one of {', '.join(ROUTES)}.")
        values = [self._checked(x)]
        for step in self.steps:
            values.append(self.run_step(step, values, route))
        return values

    @staticmethod
    def run_step(step: Step, values: list[Tensor], route: str) -> Tensor:
        """Return what one step makes of the values before it."""
        layer, x = step.layer, values[step.inputs[0]]
        try:
            if isinstance(layer, IntegerRequantize):
                return layer.run(x, route)
            return layer.run(x, values[step.inputs[1]]) if isinstance(layer, IntegerAdd) else layer.run(x)
        except (RuntimeError, IndexError, ValueError) as error:  # torch's own and the kernels', about shapes
            reason = str(error).split("\n")[0].rstrip(".")
            if reason.startswith(f"{called(layer.name)} "):
                raise
            shapes = " and ".join(str(tuple(values[place].shape)) for place in step.inputs)
            raise ValueError(
                f"{called(layer.name)} does not take inputs of shape {shapes} ({reason}): give others."
            ) from None

    def _checked(self, x: Any) -> Tensor:
        meaning = self.input.meaning
        if isinstance(x, Tensor) and x.is_floating_point():
            return self._on_grid(x)
        require_integers(x)
        if x.numel():
            low, high = (int(end) for end in torch.aminmax(x))
            if low < meaning.low or high > meaning.high:
                raise ValueError(
                    f"x holds {low if low < meaning.low else high}, outside [{meaning.low}, {meaning.high}], the integers "
                    f"of {self.input.name}: net.quantize_input makes them of floats."
                )
        stored: Tensor = x.to(container(meaning.low, meaning.high))
        return stored

    def _on_grid(self, x: Tensor) -> Tensor:
        steps, stored = self.input.steps(x.to(torch.float32)), self.quantize_input(x)
        off = (steps - stored).abs() > 0.01  # float32 divisions miss a grid point by far less
        if off.any():
            raise ValueError(
                f"x holds {float(x[off][0]):g}, which is off the grid of {self.input.name} (step {self.input.meaning.scale:g}, "
                f"integers {self.input.meaning.low} … {self.input.meaning.high}): net.quantize_input(x) rounds it first."
            )
        return stored

    def __repr__(self) -> str:
        lines = [f"IntegerNetwork of {len(self.steps)} layers", f"  {self.input.name}: {described(self.meanings[0])}"]
        for step, meaning in zip(self.steps, self.meanings[1:], strict=True):
            lines.append(f"  {step.layer.name}: {type(step.layer).__name__}, {described(meaning)}")
        return "\n".join(lines)


def described(meaning: Meaning) -> str:
    """Return a place's integers in words.

    >>> described(Meaning(0.5, 0, 0, 15))
    '4 unsigned bits, 0 … 15'
    """
    if meaning.bipolar:
        return "1 bit, −1 and +1"
    bits = meaning.bit_width
    kind = "signed" if meaning.signed else "unsigned"
    return f"{bits} {kind} bit{'s' if bits > 1 else ''}, {meaning.low} … {meaning.high}".replace("-", "−")
