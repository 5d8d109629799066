"""Matrix products over flat row-major arrays: by tiles, and by BLAS where tiles would be mostly empty."""

from numba import njit

from .calls import call_gemm, call_product
from .element import ELEMENT
from .tiles import LANES, TILE_ROWS, multiply_add

NARROW = LANES // 4  # columns; with fewer a vector is mostly empty (measured)
SMALL_PRODUCT = 1024  # multiply-adds; above it BLAS is faster where tiles would be mostly empty (measured)


@njit(error_model="numpy")
def address_of(array, offset):
    """Address of an element of a flat array."""
    return array.ctypes.data + offset * array.itemsize


@njit(error_model="numpy")
def forward_product(product, a, a_at, b, b_at, bias_at, c, c_at, rows, inner, columns):
    """C = A B plus a row of biases, with A (rows, inner), B (inner, columns), C (rows, columns).

    The biases lie in the array of B; none are added where `bias_at` is negative.
    """
    start = address_of(b, bias_at) if bias_at >= 0 else 0
    call_product(
        product, address_of(a, a_at), inner, 1, address_of(b, b_at), address_of(c, c_at), start,
        rows, inner, columns,
    )  # fmt: skip


@njit(error_model="numpy")
def weight_gradient(gemm, product, a, a_at, d, d_at, c, c_at, rows, inner, columns):
    """C = A' D, with A (rows, inner), D (rows, columns), C (inner, columns)."""
    if columns >= NARROW or rows * inner * columns <= SMALL_PRODUCT:
        call_product(
            product, address_of(a, a_at), 1, inner, address_of(d, d_at), address_of(c, c_at), 0, inner, rows, columns
        )
        return
    call_gemm(
        gemm, 0, 1, columns, inner, rows, ELEMENT(1), address_of(d, d_at), columns,
        address_of(a, a_at), inner, ELEMENT(0), address_of(c, c_at), columns,
    )  # fmt: skip


@njit(error_model="numpy")
def pays_to_transpose(rows, inner):
    """Whether a backward product goes by tiles, for which the weights must be transposed first."""
    return rows >= TILE_ROWS and inner >= NARROW


@njit(error_model="numpy")
def backward_product(gemm, product, d, d_at, b, b_at, transposed, c, c_at, rows, inner, columns):
    """C = D B', with D (rows, columns), B (inner, columns), C (rows, inner).

    Where `pays_to_transpose` says so, `transposed` holds B' in the place of B.
    """
    if pays_to_transpose(rows, inner):
        call_product(
            product, address_of(d, d_at), columns, 1, address_of(transposed, b_at), address_of(c, c_at), 0,
            rows, columns, inner,
        )  # fmt: skip
        return
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
                total = multiply_add(d[d_at + i * columns + j], b[b_at + k * columns + j], total)
            c[c_at + i * inner + k] = total
