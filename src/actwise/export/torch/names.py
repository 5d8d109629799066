"""What parameters of activations are called as attributes of a module."""

from __future__ import annotations

from collections.abc import Collection, Iterable

# What every torch.nn.Module has already, and what our own adds.
_TAKEN = frozenset({
    "T_destination", "activation", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children",
    "compile", "cpu", "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "formula", "forward",
    "get_buffer", "get_extra_state", "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules",
    "mtia", "named_buffers", "named_children", "named_modules", "named_parameters", "parameters",
    "register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook",
    "register_full_backward_hook", "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook", "register_module", "register_parameter", "register_state_dict_post_hook",
    "register_state_dict_pre_hook", "requires_grad_", "set_extra_state", "set_submodule", "share_memory",
    "state_dict", "to", "to_empty", "train", "training", "type", "values", "xpu", "zero_grad",
})  # fmt: skip


def distinct(names: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """Rename what is taken, so that different names stay different.

    >>> distinct(["a", "a_", "b"], {"a"})
    {'a': 'a__', 'a_': 'a_', 'b': 'b'}
    """
    wanted = list(names)
    found: dict[str, str] = {}
    for name in wanted:
        free = name
        while free in taken or free in found.values() or (free != name and free in wanted):
            free += "_"
        found[name] = free
    return found


def attributes(names: Collection[str]) -> dict[str, str]:
    """Name trained parameters so that they hide nothing.

    >>> attributes(["beta", "training"])
    {'beta': 'beta', 'training': 'training_'}
    """
    return distinct(names, _TAKEN | {name for name in names if name.startswith("_")})
