"""The way of a value through a model's forward, as torch.fx writes it down: one node for each layer and operation."""

from typing import Any

import torch
from torch import Tensor, fx, nn

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
WHOLE = ("torch.nn", "brevitas.nn", "brevitas.core", "brevitas.proxy")  # whose layers are nodes, not looked into


class _Value(fx.Proxy):
    """What stands for a tensor while forward is read: it has a device, so that forward may make constants beside it."""

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_layer(m)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Value(node, self)


def is_layer(module: nn.Module) -> bool:
    """Return whether a module is one layer: of torch or Brevitas, or one without modules inside.

    >>> is_layer(nn.Linear(2, 2)), is_layer(nn.Sequential(nn.Linear(2, 2)))
    (True, False)
    """
    if isinstance(module, CONTAINERS):
        return False
    return module.__module__.startswith(WHOLE) or not any(True for _ in module.children())


def traced(model: nn.Module) -> list[fx.Node]:
    """Return the nodes of model.forward in the order in which they run.

    raises   ValueError where forward asks for the values of tensors, so that it has no one graph

    >>> [node.op for node in traced(nn.Sequential(nn.Flatten(), nn.ReLU()))]
    ['placeholder', 'call_module', 'call_module', 'output']
    """
    if is_layer(model):
        model = nn.Sequential(model)
    try:
        return list(_Tracer().trace(model).nodes)
    except Exception as error:  # whatever forward raises when it is given no numbers
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ValueError(
            f"the forward of {type(model).__name__} cannot be followed ({reason}): "
            "write it as layers one after the other, without conditions on the values of tensors."
        ) from None


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
