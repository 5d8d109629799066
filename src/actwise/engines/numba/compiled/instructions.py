"""What the elementary functions are made of: bit patterns, single instructions, polynomials.

This file imports nothing of the package, because it is copied into the cache and compiled there.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

elementary = njit(error_model="numpy", forceinline=True, fastmath={"contract"})
# Said outright, since a function that says nothing takes on the flags of its caller.
strict = njit(error_model="numpy", forceinline=True, fastmath=False)


@intrinsic
def bits_of(typing_context, x):
    """Return the bits of a float64 as an int64."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def from_bits(typing_context, bits):
    """Return the float64 with these bits, given as an int64."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _instruction(name):
    """Make a function of float64 out of one that LLVM has as an instruction, such as ``sqrt``."""

    @intrinsic
    def instruction(typing_context, x):
        def generate(context, builder, signature, arguments):
            function = builder.module.declare_intrinsic(f"llvm.{name}", [ir.DoubleType()])
            return builder.call(function, arguments)

        return types.float64(types.float64), generate

    return instruction


sqrt = _instruction("sqrt")
floor = _instruction("floor")
round_to_integer = _instruction("rint")


@intrinsic
def product_error(typing_context, x, y, product):
    """Return x * y - product without rounding, where product is x * y rounded."""

    def generate(context, builder, signature, arguments):
        x, y, product = arguments
        return builder.fma(x, y, builder.fneg(product))

    return types.float64(types.float64, types.float64, types.float64), generate


@intrinsic
def polynomial(typing_context, x, coefficients):
    """Evaluate a polynomial, constant term first, by Estrin's scheme; the recursion is unrolled here.

    Neighbours are joined, ``c0 + c1 x``, then neighbours of those with x**2, and so on: where a single number
    waits for its result, this takes a few steps one after another, and Horner's rule one per coefficient.
    """

    def generate(context, builder, signature, arguments):
        power, table = arguments
        terms = [builder.extract_value(table, i) for i in range(signature.args[1].count)]
        while len(terms) > 1:
            pairs = zip(terms[::2], terms[1::2], strict=False)
            joined = [
                builder.fadd(builder.fmul(high, power, flags=("contract",)), low, flags=("contract",))
                for low, high in pairs
            ]
            terms = joined + terms[2 * len(joined) :]
            if len(terms) > 1:
                power = builder.fmul(power, power, flags=("contract",))
        return terms[0]

    return types.float64(types.float64, coefficients), generate
