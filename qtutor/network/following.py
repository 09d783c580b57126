"""Which layers, functions and arguments of a model are followed into integers, and the sentences about all others."""

from __future__ import annotations

import operator
from typing import Any

import torch
from brevitas import nn as qnn
from torch import fx, nn
from torch.nn import functional

from qtutor.network.tracing import is_tensor_norm

SUPPORTED = (
    "QuantLinear, QuantConv2d, QuantIdentity, QuantReLU, BatchNorm1d, BatchNorm2d, ReLU, MaxPool2d, AvgPool2d, "
    "AdaptiveAvgPool2d(1), Flatten, Dropout, QuantEltwiseAdd and +"
)
AFFINE = (nn.BatchNorm1d, nn.BatchNorm2d)
IGNORED = (nn.Dropout, nn.Dropout2d, nn.Identity)
WEIGHTED = (qnn.QuantLinear, qnn.QuantConv2d)
QUANTIZERS = (qnn.QuantIdentity, qnn.QuantReLU)
POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
KINDS = (*WEIGHTED, *QUANTIZERS, qnn.QuantEltwiseAdd, *AFFINE, nn.ReLU, nn.Flatten, *POOLS, *IGNORED)
COMPUTING = ("forward", "forward_impl", "inner_forward_impl", "_conv_forward")  # where a class says what it computes

RELU, ADD = (functional.relu, torch.relu, "relu"), (operator.add, operator.iadd, torch.add, "add", "add_")
MAX_POOL, AVERAGE = (functional.max_pool2d, torch.max_pool2d), (functional.avg_pool2d,)
FLATTEN, RESHAPE = (torch.flatten, "flatten"), ("view", "reshape", torch.reshape)
ONE_NAME = dict.fromkeys(("view", "reshape"), "flatten") | {"add_": "add"}
ONE_NAME |= {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "truediv"}
MAX_POOL_OPTIONS = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
DEFAULTS = {"padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False}
ARGUMENTS: dict[Any, tuple[str, ...]] = {  # of the functions that are followed: any other would change what they do
    **dict.fromkeys(("contiguous", "float"), ("input", "memory_format")),
    "detach": ("input",),
    functional.dropout: ("input", "p", "training", "inplace"),
    **dict.fromkeys(RELU, ("input", "inplace")),
    **dict.fromkeys(ADD, ("input", "other")),
    **dict.fromkeys(FLATTEN, ("input", "start_dim", "end_dim")),
    **dict.fromkeys(MAX_POOL, ("input", *MAX_POOL_OPTIONS)),
    **dict.fromkeys(
        AVERAGE, ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
    ),
}
INSTEAD = {
    "DataParallel": "use the module inside it",
    "Linear": "use QuantLinear",
    "Conv2d": "use QuantConv2d",
    "Softmax": "leave it out at the end, the largest score is the same",
    "LogSoftmax": "leave it out at the end, the largest score is the same",
}
INSTEAD |= {"softmax": INSTEAD["Softmax"], "log_softmax": INSTEAD["LogSoftmax"]}


def followed(module: nn.Module) -> bool:
    """Return whether a module is of a supported kind, and computes what that kind does: also where its class is derived.

    >>> class Doubled(nn.ReLU):
    ...     def forward(self, x):
    ...         return 2 * super().forward(x)
    >>> followed(nn.ReLU()), followed(Doubled()), followed(nn.Softmax())
    (True, False, False)
    """
    if is_tensor_norm(module):
        return True
    kind, own = next((kind for kind in KINDS if isinstance(module, kind)), None), type(module)
    as_it_is = all(getattr(own, method, None) is getattr(kind, method, None) for method in COMPUTING)
    return kind is not None and as_it_is and "forward" not in vars(module)


def no_layer(name: str, module: nn.Module) -> str:
    """Return the sentence about a module that is not followed.

    >>> no_layer("2", nn.Linear(3, 3))
    '2 is a Linear, which has no integer layer here: use QuantLinear.'
    """
    kind = type(module).__name__
    own = " with a forward of its own," if isinstance(module, KINDS) else ""
    return f"{name} is a {kind},{own} which has no integer layer here: {INSTEAD.get(kind, f'use {SUPPORTED}')}."


def operation_of(node: fx.Node) -> str:
    """Return what a call is named, one name for what is the same.

    >>> graph = fx.Graph()
    >>> operation_of(graph.call_method("view")), operation_of(graph.call_function(operator.iadd))
    ('flatten', 'add')
    """
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    if node.target in MAX_POOL:
        name = "max_pool2d"  # torch calls its own fn
    return ONE_NAME.get(name, name)


def no_operation(node: fx.Node) -> str:
    """Return the sentence about a call that is not followed.

    >>> no_operation(fx.Graph().call_method("log_softmax"))
    'forward calls log_softmax, which has no integer layer here: leave it out at the end, the largest score is the same.'
    """
    operation = operation_of(node)
    return f"{inside(node)} calls {operation}, which has no integer layer here: {INSTEAD.get(operation, f'use {SUPPORTED}')}."


def inside(node: fx.Node) -> str:
    """Return whose forward a call stands in.

    >>> inside(fx.Graph().call_method("view"))
    'forward'
    """
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return f"the forward of {stack[-1][0]} ({stack[-1][1].__name__})" if stack else "forward"


def is_batch_size(size: Any) -> bool:
    """Return whether a number of a shape is x.size(0) or x.shape[0]. Whose it is does not matter: dimension 0 has the inputs.

    >>> graph = fx.Graph()
    >>> x = graph.placeholder("x")
    >>> is_batch_size(graph.call_method("size", (x, 0))), is_batch_size(graph.call_method("size", (x, 1))), is_batch_size(1)
    (True, False, False)
    """
    if not isinstance(size, fx.Node):
        return False
    if size.target == "size":
        return (*size.args[1:], *size.kwargs.values()) == (0,)
    source = size.args[0]
    return bool(
        size.target is operator.getitem
        and size.args[1] == 0
        and isinstance(source, fx.Node)
        and (source.target == "size" or source.args[1:] == ("shape",))
    )
