"""What parameters of activations are called as attributes of a module."""

from __future__ import annotations

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


def attribute(name: str) -> str:
    """Name a trained parameter so that it hides nothing.

    >>> attribute("beta"), attribute("training")
    ('beta', 'training_')
    """
    return f"{name}_" if name in _TAKEN or name.startswith("_") else name
