"""How the processor treats subnormal numbers: as 0 in training, since arithmetic with them is slow.

The modes belong to a thread. What runs under them is called by address: LLVM takes arithmetic for independent of the
modes and would move it past the instructions that set them.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .calls import call_stage

_INT32, _INT64, _VOID = ir.IntType(32), ir.IntType(64), ir.VoidType()
_PROCESSOR = llvm.get_process_triple().partition("-")[0]
_IS_X86, _IS_ARM = _PROCESSOR in ("x86_64", "amd64", "i686"), _PROCESSOR in ("aarch64", "arm64")
# MXCSR: results (bit 15) and operands (bit 6); FPCR: both (bit 24). Elsewhere nothing is set.
FLUSH = (1 << 15 | 1 << 6) if _IS_X86 else 1 << 24 if _IS_ARM else 0


def _call(builder, name, result, *arguments):
    kind = ir.FunctionType(result, [each.type for each in arguments])
    return builder.call(builder.module.globals.get(name) or ir.Function(builder.module, kind, name), arguments)


@intrinsic
def read_modes(typing_context):
    """Read the thread's register of modes."""

    def generate(context, builder, _signature, _arguments):
        if _IS_X86:
            room = cgutils.alloca_once(builder, _INT32)
            _call(builder, "llvm.x86.sse.stmxcsr", _VOID, room)
            return builder.zext(builder.load(room), _INT64)
        return _call(builder, "llvm.aarch64.get.fpcr", _INT64) if _IS_ARM else ir.Constant(_INT64, 0)

    return types.int64(), generate


@intrinsic
def write_modes(typing_context, modes):
    """Write the thread's register of modes."""

    def generate(context, builder, _signature, arguments):
        if _IS_X86:
            room = cgutils.alloca_once(builder, _INT32)
            builder.store(builder.trunc(arguments[0], _INT32), room)
            _call(builder, "llvm.x86.sse.ldmxcsr", _VOID, room)
        elif _IS_ARM:
            _call(builder, "llvm.aarch64.set.fpcr", _VOID, arguments[0])
        return context.get_dummy_value()

    return types.void(types.int64), generate


def without_subnormals(stage, context_at, first, second):
    """Call a stage by address with subnormal numbers taken for 0; the caller's modes hold again afterwards."""
    before = read_modes()
    write_modes(before | FLUSH)
    result = call_stage(stage, context_at, first, second, 0)
    write_modes(before)
    return result
