"""The fixtures' modules, by theme; a file here only registers fixtures, core.py and its like make them."""
import torch

from common import Case


def script(module, *args, **options) -> Case:
    """The module scripted in eval mode, with the arguments of its first call."""
    return Case(torch.jit.script(module.eval()), args, **options)


def trace(module, *args, **options) -> Case:
    """The module traced in eval mode on the arguments of its first call."""
    with torch.no_grad():
        return Case(torch.jit.trace(module.eval(), args, check_trace=False), args, **options)
