"""Matrix products over flat row-major arrays, by BLAS or, where a call costs more than the work, by loops."""

from numba import njit

from .calls import call_gemm
from .element import ELEMENT

SMALL_PRODUCT = 1024  # multiply-adds; below it a BLAS call takes longer than plain loops (measured)


@njit(error_model="numpy")
def address_of(array, offset):
    """Address of an element of a flat array."""
    return array.ctypes.data + offset * array.itemsize


@njit(error_model="numpy")
def forward_product(gemm, a, a_at, b, b_at, c, c_at, rows, inner, columns):
    """C += A B, with A (rows, inner), B (inner, columns), C (rows, columns)."""
    if rows * inner * columns > SMALL_PRODUCT:
        call_gemm(
            gemm, 0, 0, columns, rows, inner, ELEMENT(1), address_of(b, b_at), columns,
            address_of(a, a_at), inner, ELEMENT(1), address_of(c, c_at), columns,
        )  # fmt: skip
        return
    for i in range(rows):
        for k in range(inner):
            factor = a[a_at + i * inner + k]
            for j in range(columns):
                c[c_at + i * columns + j] += factor * b[b_at + k * columns + j]


@njit(error_model="numpy")
def weight_gradient(gemm, a, a_at, d, d_at, c, c_at, rows, inner, columns):
    """C = A' D, with A (rows, inner), D (rows, columns), C (inner, columns)."""
    if rows * inner * columns > SMALL_PRODUCT:
        call_gemm(
            gemm, 0, 1, columns, inner, rows, ELEMENT(1), address_of(d, d_at), columns,
            address_of(a, a_at), inner, ELEMENT(0), address_of(c, c_at), columns,
        )  # fmt: skip
        return
    for k in range(inner * columns):
        c[c_at + k] = 0
    for i in range(rows):
        for k in range(inner):
            factor = a[a_at + i * inner + k]
            for j in range(columns):
                c[c_at + k * columns + j] += factor * d[d_at + i * columns + j]


@njit(error_model="numpy")
def backward_product(gemm, d, d_at, b, b_at, c, c_at, rows, inner, columns):
    """C = D B', with D (rows, columns), B (inner, columns), C (rows, inner)."""
    if rows * inner * columns > SMALL_PRODUCT:
        call_gemm(
            gemm, 1, 0, inner, rows, columns, ELEMENT(1), address_of(b, b_at), columns,
            address_of(d, d_at), columns, ELEMENT(0), address_of(c, c_at), inner,
        )  # fmt: skip
        return
    for i in range(rows):
        for k in range(inner):
            total = ELEMENT(0)
            for j in range(columns):
                total += d[d_at + i * columns + j] * b[b_at + k * columns + j]
            c[c_at + i * inner + k] = total
