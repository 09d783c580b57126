"""The way of a value through a model's forward, as torch.fx writes it down: one node for each layer and operation."""

import operator
from collections.abc import Callable
from inspect import signature
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
WHOLE = ("torch.nn", "torch.ao", "brevitas.nn", "brevitas.core", "brevitas.proxy")  # their layers are nodes
WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
IN_PLACE = (operator.iadd, operator.isub, operator.imul, operator.itruediv, "add_", "relu_")
SAME_MEMORY = (nn.Dropout, nn.Dropout2d, nn.Identity, nn.Flatten)  # in eval mode these give what they were given
VIEWS = ("flatten", "view", "reshape", "contiguous", "detach", "float", torch.flatten, torch.reshape)


class _Value(fx.Proxy):
    """What stands for a tensor while forward is read: it has a device, so that forward may make constants beside it."""

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def __getattr__(self, name: str) -> fx.proxy.Attribute:
        return _Attribute(self, name)


class _Attribute(fx.proxy.Attribute):
    """What stands for value.name, until it is called."""


def _noted(operation: Callable[..., Any]) -> Callable[..., fx.Proxy]:
    """Return the method for `a += b`: fx alone reads it as `a = a + b`, and what else holds a's memory is forgotten."""
    return lambda value, other: value.tracer.create_proxy("call_function", operation, (value, other), {})


for _operation in (operator.iadd, operator.isub, operator.imul, operator.itruediv):
    for _kind in (_Value, _Attribute):
        setattr(_kind, f"__{_operation.__name__}__", _noted(_operation))


class _Tracer(fx.Tracer):
    """The modules that forward is in stand in `inside`: where one raises, it stays the last."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.inside = [model]

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_layer(m)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        self.inside.append(m)
        result = super().call_module(m, forward, args, kwargs)
        self.inside.pop()
        return result

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Value(node, self)


def is_layer(module: nn.Module) -> bool:
    """Return whether a module is one layer: of torch or Brevitas, or of a class that is derived from such a one.

    >>> is_layer(nn.Linear(2, 2)), is_layer(nn.Sequential(nn.Linear(2, 2)))
    (True, False)
    """
    if isinstance(module, CONTAINERS):
        return False
    kinds = [kind for kind in type(module).__mro__ if issubclass(kind, nn.Module) and kind is not nn.Module]
    return any(kind.__module__.startswith(WHOLE) for kind in kinds) or is_tensor_norm(module)


def is_tensor_norm(module: nn.Module) -> bool:
    """Return whether a module is a batch normalization of the whole tensor, as the published models of Brevitas end in.

    >>> is_tensor_norm(nn.BatchNorm1d(2))
    False
    """
    return type(module).__name__ == "TensorNorm"


def traced(model: nn.Module) -> list[fx.Node]:
    """Return the nodes of model.forward in the order in which they run.

    raises   ValueError for a model of several inputs, one that is no more than a layer or a wrapper, and where forward
             asks for the values of tensors, so that it has no one graph

    >>> [node.op for node in traced(nn.Sequential(nn.Flatten(), nn.ReLU()))]
    ['placeholder', 'call_module', 'call_module', 'output']
    """
    _require_layers(model)
    _require_one_input(model)
    tracer = _Tracer(model)
    try:
        return list(tracer.trace(model).nodes)
    except Exception as error:  # whatever forward raises when it is given no numbers
        reason = str(error).split("\n")[0].split(". ")[0] or type(error).__name__
        raise ValueError(
            f"the forward of {type(tracer.inside[-1]).__name__} cannot be followed ({reason}): "
            "write it as layers one after the other, without conditions on the values of tensors."
        ) from None


def _require_layers(model: nn.Module) -> None:
    kind = type(model).__name__
    if isinstance(model, WRAPPERS):
        raise ValueError(f"the model is wrapped in a {kind}: give model.module.")
    if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):  # by torch.jit or torch.compile
        raise ValueError("the model is compiled, so that its forward cannot be followed: give what it was made from.")
    if is_layer(model):
        raise ValueError(f"the model is a single {kind}, and its layers need names: make it nn.Sequential(model).")


def _require_one_input(model: nn.Module) -> None:
    inputs = list(signature(model.forward).parameters)
    if len(inputs) != 1:
        raise ValueError(
            f"the forward of {type(model).__name__} takes {' and '.join(inputs) or 'nothing'}, and a network here has one "
            "input: leave one."
        )


def require_values_kept(model: nn.Module, nodes: list[fx.Node]) -> None:
    """Raise ValueError where a value is used again after a layer that works in place has overwritten it."""
    order = {node: place for place, node in enumerate(nodes)}
    memory: dict[fx.Node, fx.Node] = {}  # the node that made what a node gives
    written: dict[fx.Node, fx.Node] = {}  # by the node whose memory it is
    for node in nodes:
        sources = node.all_input_nodes
        for source in sources if _reads(node) else ():
            writer = written.get(memory[source])
            if writer is not None and order[source] < order[writer]:
                raise ValueError(
                    f"{source.name} is overwritten by {writer.name}, which works in place, and is used again after it: "
                    "use inplace=False, or a + b in place of a += b."
                )
        in_place = _works_in_place(model, node)
        memory[node] = memory[sources[0]] if sources and (in_place or _is_view(model, node)) else node
        if in_place:
            written[memory[node]] = node


def _reads(node: fx.Node) -> bool:
    """Whether a node asks for more than the shape of what it is given."""
    return node.target not in ("size", "dim") and not (node.target is getattr and node.args[1] != "value")


def _works_in_place(model: nn.Module, node: fx.Node) -> bool:
    if node.op == "call_module":
        module = attribute(model, str(node.target))
        return isinstance(module, nn.ReLU) and module.inplace
    return node.target in IN_PLACE or (node.target is functional.relu and bool(node.kwargs.get("inplace")))


def _is_view(model: nn.Module, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(attribute(model, str(node.target)), SAME_MEMORY)
    return node.target in (*VIEWS, functional.dropout) or (node.target is getattr and node.args[1] == "value")


def spelled(sentence: str, name: str, module: nn.Module) -> str:
    """Return a sentence about a layer with its kind, where the layer has only a number for a name, as in a Sequential.

    >>> spelled("1 pads with zeros.", "1", nn.Linear(2, 2)), spelled("fc1 pads with zeros.", "fc1", nn.Linear(2, 2))
    ('layer 1 (Linear) pads with zeros.', 'fc1 pads with zeros.')
    """
    kind, rest = type(module).__name__, sentence.removeprefix(name)
    if not name.rpartition(".")[2].isdigit() or rest == sentence or rest[:1].isalnum():
        return sentence
    return f"layer {name}{rest}" if rest.startswith(f" is a {kind},") else f"layer {name} ({kind}){rest}"


def numbered(name: str, calls: dict[str, int]) -> str:
    """Return the name of a place, counting it in calls: what is called again has a number behind its name.

    >>> calls = {}
    >>> numbered("join", calls), numbered("join", calls)
    ('join', 'join (2)')
    """
    calls[name] = calls.get(name, 0) + 1
    return name if calls[name] == 1 else f"{name} ({calls[name]})"


def constant(model: nn.Module, argument: Any) -> float | None:
    """Return the number that an argument of a node is: a Python number or a tensor of one; None where it is neither."""
    if isinstance(argument, fx.Node) and argument.op == "get_attr":
        argument = attribute(model, str(argument.target))
    if isinstance(argument, Tensor) and argument.numel() == 1:
        return float(argument.detach())
    return float(argument) if isinstance(argument, (int, float)) and not isinstance(argument, bool) else None


def attribute(model: nn.Module, path: str) -> Any:
    """Return model.a.b for the path "a.b".

    >>> attribute(nn.Sequential(nn.Linear(2, 3)), "0.bias").shape
    torch.Size([3])
    """
    found: Any = model
    for name in path.split("."):
        found = getattr(found, name)
    return found
