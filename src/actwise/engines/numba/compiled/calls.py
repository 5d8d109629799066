"""Calls by address: how compiled code reaches BLAS, rendered kernels and its own separately compiled stages.

A jitted function that is passed as an argument is never cached by Numba, and one that calls another is
optimised together with it anew. The address of a C function is a plain integer: each stage is compiled
once, by itself, and works with every activation, loss and network.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_INT64 = ir.IntType(64)


@intrinsic
def pointer(typing_context, address, element):
    """Turn an integer address into a pointer to elements of the same type as `element`."""
    signature = types.CPointer(element)(types.intp, element)

    def generate(context, builder, _signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(types.CPointer(element)))

    return signature, generate


@intrinsic
def prefetch(typing_context, address):
    """Ask for a cache line that will be read soon; an address that must not be read does no harm."""
    signature = types.void(types.intp)

    def generate(context, builder, _signature, arguments):
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        name, kind = "llvm.prefetch.p0", ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        to_read, in_all_caches, data = (ir.Constant(number, flag) for flag in (0, 3, 1))
        builder.call(function, [builder.inttoptr(arguments[0], byte), to_read, in_all_caches, data])
        return context.get_dummy_value()

    return signature, generate


def _function_at(builder, address, return_type, argument_types):
    function_type = ir.FunctionType(return_type, argument_types)
    return builder.inttoptr(address, function_type.as_pointer())


LANES = 16  # rows that a kernel works on at once


@intrinsic
def lanes(typing_context):
    """Address of room on the stack for a float64 number per lane; another one wherever this is called."""
    signature = types.intp()

    def generate(context, builder, _signature, arguments):
        room = cgutils.alloca_once(builder, ir.DoubleType(), size=LANES)
        return builder.ptrtoint(room, _INT64)

    return signature, generate


@intrinsic
def call_stage(typing_context, address, context_at, first, second, third):
    """Call a stage of the training loop: the context by address, three integers; returns an integer."""
    signature = types.intp(*[types.intp] * 5)

    def generate(context, builder, _signature, arguments):
        function = _function_at(builder, arguments[0], _INT64, [_INT64] * 4)
        return builder.call(function, arguments[1:])

    return signature, generate


@intrinsic
def call_activation(typing_context, address, first, second, third, fourth, rows, units, constants):
    """Call a rendered activation kernel: four arrays by address, rows, units, parameters by address."""
    signature = types.void(*[types.intp] * 8)

    def generate(context, builder, _signature, arguments):
        function = _function_at(builder, arguments[0], ir.VoidType(), [_INT64] * 7)
        builder.call(function, arguments[1:])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def call_loss(typing_context, address, outputs, targets, weights, deltas, rows, units, constants):
    """Call a rendered loss kernel; returns the weighted sum of the rows' losses."""
    signature = types.float64(*[types.intp] * 8)

    def generate(context, builder, _signature, arguments):
        function = _function_at(builder, arguments[0], ir.DoubleType(), [_INT64] * 7)
        return builder.call(function, arguments[1:])

    return signature, generate


@intrinsic
def call_product(typing_context, address, a, row_a, step_a, b, c, start, rows, inner, columns):
    """Call the stage of `tiles.tiled_product`; compiled into every caller it would take most of their time."""
    signature = types.void(*[types.intp] * 10)

    def generate(context, builder, _signature, arguments):
        function = _function_at(builder, arguments[0], ir.VoidType(), [_INT64] * 9)
        builder.call(function, arguments[1:])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def call_gemm(typing_context, address, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """Call BLAS ``gemm`` (Fortran order); `alpha` and `beta` carry the element type."""
    size = types.intp
    signature = types.void(size, size, size, size, size, size, alpha, size, size, size, size, beta, size, size)

    def generate(context, builder, _signature, arguments):
        byte, int32 = ir.IntType(8), ir.IntType(32)
        address, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc = arguments
        letter_t, letter_n = ir.Constant(byte, ord("T")), ir.Constant(byte, ord("N"))
        zero = ir.Constant(_INT64, 0)

        def place(value):
            return cgutils.alloca_once_value(builder, value)

        def letter(flag):
            return place(builder.select(builder.icmp_signed("!=", flag, zero), letter_t, letter_n))

        def integer(value):
            return place(builder.trunc(value, int32))

        element = alpha.type.as_pointer()
        passed = [
            letter(ta), letter(tb), integer(m), integer(n), integer(k), place(alpha),
            builder.inttoptr(a, element), integer(lda), builder.inttoptr(b, element), integer(ldb),
            place(beta), builder.inttoptr(c, element), integer(ldc),
        ]  # fmt: skip
        function = _function_at(builder, address, ir.VoidType(), [each.type for each in passed])
        builder.call(function, passed)
        return context.get_dummy_value()

    return signature, generate
