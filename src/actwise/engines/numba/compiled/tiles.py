"""A tile of a matrix product whose sums stay in vector registers, and a transposition in registers.

Every entry of the result is one chain of fused multiply-adds in the order of the inner index: its bits depend
neither on the width of the vectors nor on how many rows are worked on at once.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from .element import ELEMENT

_INT32, _INT64, _BIT = ir.IntType(32), ir.IntType(64), ir.IntType(1)
_TYPE, _SUFFIX, SIZE = {
    "float32": (ir.FloatType(), "f32", 4),
    "float64": (ir.DoubleType(), "f64", 8),
}[ELEMENT.name]
_FEATURES = llvm.get_host_cpu_features()
_VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx") else 16
LANES = _VECTOR_BYTES // SIZE
# Two vectors of sums a row, and room for two of the right matrix: 32 registers with AVX-512, else 16.
TILE_ROWS = 8 if _FEATURES.get("avx512f") else 4
PANEL_DEPTH = 256  # rows of a panel, which then takes 32 KiB with the widest vectors
CACHE_BYTES = 2**20  # a larger matrix is laid out in panels (measured with 1 MiB of second-level cache)
_VECTOR = ir.VectorType(_TYPE, LANES)
_ZERO = ir.Constant(_VECTOR, [ir.Constant(_TYPE, 0.0)] * LANES)
_ONE = ir.Constant(_VECTOR, [ir.Constant(_TYPE, 1.0)] * LANES)


def _declare(builder, name, result, arguments):
    found = builder.module.globals.get(name)
    return found or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


def _int64(value):
    return ir.Constant(_INT64, value)


def _splat(builder, value, of=_VECTOR):
    undefined = ir.Constant(of, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES))


@intrinsic
def multiply_add(typing_context, x, y, z):
    """Return x * y + z, rounded once, for numbers of the elements' type: the step of every chain of sums."""

    def generate(context, builder, _signature, arguments):
        return builder.fma(*arguments)

    return ELEMENT(ELEMENT, ELEMENT, ELEMENT), generate


class _Memory:
    """Loads and stores of the vectors of one row, of which the last one holds the columns that are left."""

    def __init__(self, builder, n_vectors, columns):
        self.builder, self.last = builder, n_vectors - 1
        lanes = ir.Constant(ir.VectorType(_INT64, LANES), [_int64(i) for i in range(LANES)])
        left = builder.sub(columns, _int64(self.last * LANES))
        self.mask = builder.icmp_signed("<", lanes, _splat(builder, left, ir.VectorType(_INT64, LANES)))
        self.masks = ir.VectorType(_BIT, LANES)

    def _at(self, address, vector):
        at = self.builder.add(address, _int64(vector * _VECTOR_BYTES))
        return self.builder.inttoptr(at, _VECTOR.as_pointer())

    def load(self, address, vector):
        pointer = self._at(address, vector)
        if vector < self.last:
            return self.builder.load(pointer, align=SIZE)
        arguments = [_VECTOR.as_pointer(), _INT32, self.masks, _VECTOR]
        function = _declare(self.builder, f"llvm.masked.load.v{LANES}{_SUFFIX}.p0", _VECTOR, arguments)
        return self.builder.call(function, [pointer, ir.Constant(_INT32, SIZE), self.mask, _ZERO])

    def store(self, value, address, vector):
        pointer = self._at(address, vector)
        if vector < self.last:
            self.builder.store(value, pointer, align=SIZE)
            return
        arguments = [_VECTOR, _VECTOR.as_pointer(), _INT32, self.masks]
        function = _declare(self.builder, f"llvm.masked.store.v{LANES}{_SUFFIX}.p0", ir.VoidType(), arguments)
        self.builder.call(function, [value, pointer, ir.Constant(_INT32, SIZE), self.mask])


def _elements_on(builder, address, count):
    return builder.add(address, builder.mul(count, _int64(SIZE)))


def _tile(n_rows, n_vectors, left_is_one=False):
    """Make the product of `n_rows` rows with at most `n_vectors` vectors of columns, all sums in registers.

    It takes addresses and strides in elements: C[i, j] = S[i, j] + sum over k of A[i, k] B[k, j], where A has the
    strides `row_a` and `step_a`, the rows of B and C are contiguous, and S is 0 where its address is 0. With
    `left_is_one` A is 1 everywhere, and its address is not used.
    """

    @intrinsic
    def tile(typing_context, a, row_a, step_a, b, row_b, inner, c, row_c, start, row_start, columns):
        signature = types.void(*[types.intp] * 11)

        def generate(context, builder, _signature, arguments):
            a, row_a, step_a, b, row_b, inner, c, row_c, start, row_start, columns = arguments
            memory = _Memory(builder, n_vectors, columns)
            absent = builder.icmp_signed("==", start, _int64(0))
            first = []
            for i in range(n_rows):
                at = _elements_on(builder, start, builder.mul(_int64(i), row_start))
                readable = builder.select(absent, b, at)  # what is read from B is not used
                first.append([builder.select(absent, _ZERO, memory.load(readable, v)) for v in range(n_vectors)])
            multiply_add = _declare(builder, f"llvm.fma.v{LANES}{_SUFFIX}", _VECTOR, [_VECTOR] * 3)
            before = builder.block
            head, body, done = (builder.append_basic_block(f"tile.{name}") for name in ("head", "body", "done"))
            builder.branch(head)
            builder.position_at_end(head)
            k, at_a, at_b = (builder.phi(_INT64) for _ in range(3))
            sums = [[builder.phi(_VECTOR) for _ in range(n_vectors)] for _ in range(n_rows)]
            for phi, value in ((k, _int64(0)), (at_a, a), (at_b, b)):
                phi.add_incoming(value, before)
            for row, values in zip(sums, first, strict=True):
                for phi, value in zip(row, values, strict=True):
                    phi.add_incoming(value, before)
            builder.cbranch(builder.icmp_signed("<", k, inner), body, done)
            builder.position_at_end(body)
            right = [memory.load(at_b, v) for v in range(n_vectors)]
            for i, row in enumerate(sums):
                left = _ONE
                if not left_is_one:
                    at = _elements_on(builder, at_a, builder.mul(_int64(i), row_a))
                    left = _splat(builder, builder.load(builder.inttoptr(at, _TYPE.as_pointer()), align=SIZE))
                for phi, vector in zip(row, right, strict=True):
                    phi.add_incoming(builder.call(multiply_add, [left, vector, phi]), body)
            k.add_incoming(builder.add(k, _int64(1)), body)
            at_a.add_incoming(_elements_on(builder, at_a, step_a), body)
            at_b.add_incoming(_elements_on(builder, at_b, row_b), body)
            builder.branch(head)
            builder.position_at_end(done)
            for i, row in enumerate(sums):
                at = _elements_on(builder, c, builder.mul(_int64(i), row_c))
                for v, phi in enumerate(row):
                    memory.store(phi, at, v)
            return context.get_dummy_value()

        return signature, generate

    return tile


_wide_tile, _narrow_tile = _tile(TILE_ROWS, 2), _tile(TILE_ROWS, 1)
_wide_row, _narrow_row = _tile(1, 2), _tile(1, 1)
_wide_sums, _narrow_sums = _tile(1, 2, left_is_one=True), _tile(1, 1, left_is_one=True)


@njit(error_model="numpy")
def _rows_of_tiles(a, row_a, step_a, b, row_b, inner, c, row_c, start, row_start, columns):
    for j in range(0, columns, 2 * LANES):
        left, on = columns - j, j * SIZE
        start_here = start + on if start != 0 else 0
        if left > LANES:
            _wide_tile(a, row_a, step_a, b + on, row_b, inner, c + on, row_c, start_here, row_start, left)
        else:
            _narrow_tile(a, row_a, step_a, b + on, row_b, inner, c + on, row_c, start_here, row_start, left)


@njit(error_model="numpy")
def _single_row(a, step_a, b, row_b, inner, c, start, columns):
    for j in range(0, columns, 2 * LANES):
        left, on = columns - j, j * SIZE
        start_here = start + on if start != 0 else 0
        if left > LANES:
            _wide_row(a, 0, step_a, b + on, row_b, inner, c + on, 0, start_here, 0, left)
        else:
            _narrow_row(a, 0, step_a, b + on, row_b, inner, c + on, 0, start_here, 0, left)


@intrinsic
def _panel_room(typing_context):
    """Address of room on the stack for a panel."""

    def generate(context, builder, _signature, arguments):
        # An array type would be filled with zeros, element by element, which takes seconds to compile.
        room = cgutils.alloca_once(builder, _TYPE, size=PANEL_DEPTH * 2 * LANES)
        return builder.ptrtoint(room, _INT64)

    return types.intp(), generate


def _copy(n_vectors):
    @intrinsic
    def copy(typing_context, source, target, columns):
        def generate(context, builder, _signature, arguments):
            source, target, columns = arguments
            memory = _Memory(builder, n_vectors, columns)
            for v in range(n_vectors):
                memory.store(memory.load(source, v), target, v)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 3), generate

    return copy


_copy_wide, _copy_narrow = _copy(2), _copy(1)


@njit(error_model="numpy")
def copy_elements(source, target, count):
    """Copy neighbouring elements from one address to another."""
    for j in range(0, count, 2 * LANES):
        left, on = count - j, j * SIZE
        if left > LANES:
            _copy_wide(source + on, target + on, left)
        else:
            _copy_narrow(source + on, target + on, left)


@njit(error_model="numpy")
def _product_by_panels(a, row_a, step_a, b, c, start, rows, inner, columns):
    """The product, for a B that is too large for the cache: panel after panel of it is laid out beside each other."""
    panel = _panel_room()
    whole = rows - rows % TILE_ROWS
    for j in range(0, columns, 2 * LANES):
        width, on = min(2 * LANES, columns - j), j * SIZE
        for k in range(0, inner, PANEL_DEPTH):
            depth = min(PANEL_DEPTH, inner - k)
            for row in range(depth):
                copy_elements(b + (k + row) * columns * SIZE + on, panel + row * 2 * LANES * SIZE, width)
            for i in range(0, whole, TILE_ROWS):
                at, here = a + (i * row_a + k * step_a) * SIZE, c + i * columns * SIZE + on
                first, row_first = (start + on if start != 0 else 0, 0) if k == 0 else (here, columns)
                _rows_of_tiles(at, row_a, step_a, panel, 2 * LANES, depth, here, columns, first, row_first, width)
            for i in range(whole, rows):
                at, here = a + (i * row_a + k * step_a) * SIZE, c + i * columns * SIZE + on
                first = (start + on if start != 0 else 0) if k == 0 else here
                _single_row(at, step_a, panel, 2 * LANES, depth, here, first, width)


@njit(error_model="numpy")
def _product_in_cache(a, row_a, step_a, b, c, start, rows, inner, columns):
    for i in range(0, rows - TILE_ROWS + 1, TILE_ROWS):
        at, here = a + i * row_a * SIZE, c + i * columns * SIZE
        _rows_of_tiles(at, row_a, step_a, b, columns, inner, here, columns, start, 0, columns)
    rest = rows % TILE_ROWS
    if rest != 0 and rows > TILE_ROWS:
        # The last rows once more together with those that are left over: cheaper than one by one.
        i = rows - TILE_ROWS
        at, here = a + i * row_a * SIZE, c + i * columns * SIZE
        _rows_of_tiles(at, row_a, step_a, b, columns, inner, here, columns, start, 0, columns)
    elif rows < TILE_ROWS:
        for i in range(rows):
            _single_row(a + i * row_a * SIZE, step_a, b, columns, inner, c + i * columns * SIZE, start, columns)


def tiled_product(a, row_a, step_a, b, c, start, rows, inner, columns):
    """C[i, j] = S[j] + sum over k of A[i, k] B[k, j]: B and C contiguous, A with strides, S 0 for address 0.

    C must overlap neither A nor B. The addresses are in bytes, the strides in elements.
    """
    if inner * columns * SIZE > CACHE_BYTES and rows >= 2 * TILE_ROWS:
        _product_by_panels(a, row_a, step_a, b, c, start, rows, inner, columns)
    else:
        _product_in_cache(a, row_a, step_a, b, c, start, rows, inner, columns)


@njit(error_model="numpy")
def column_sums(matrix, sums, rows, columns):
    """Sum the rows of a contiguous matrix (rows, columns); both are addresses."""
    for j in range(0, columns, 2 * LANES):
        left, on = columns - j, j * SIZE
        if left > LANES:
            _wide_sums(0, 0, 0, matrix + on, columns, rows, sums + on, 0, 0, 0, left)
        else:
            _narrow_sums(0, 0, 0, matrix + on, columns, rows, sums + on, 0, 0, 0, left)


@intrinsic
def _transpose_block(typing_context, source, row_source, target, row_target):
    """Transpose a block of LANES x LANES elements: in each stage halves of pairs of rows change places."""
    signature = types.void(*[types.intp] * 4)

    def generate(context, builder, _signature, arguments):
        source, row_source, target, row_target = arguments

        def row_at(address, stride, i):
            at = _elements_on(builder, address, builder.mul(_int64(i), stride))
            return builder.inttoptr(at, _VECTOR.as_pointer())

        rows = [builder.load(row_at(source, row_source, i), align=SIZE) for i in range(LANES)]
        indices = ir.VectorType(_INT32, LANES)
        half = 1
        while half < LANES:
            low = [i if not i & half else LANES + i - half for i in range(LANES)]
            high = [i + half if not i & half else LANES + i for i in range(LANES)]
            for i in range(LANES):
                if not i & half:
                    pair = rows[i], rows[i + half]
                    rows[i] = builder.shuffle_vector(*pair, ir.Constant(indices, low))
                    rows[i + half] = builder.shuffle_vector(*pair, ir.Constant(indices, high))
            half *= 2
        for i, row in enumerate(rows):
            builder.store(row, row_at(target, row_target, i), align=SIZE)
        return context.get_dummy_value()

    return signature, generate


@njit(error_model="numpy")
def transpose(source, source_at, target, target_at, rows, columns):
    """Write a matrix (rows, columns) transposed, both row by row in flat arrays."""
    at, into = source.ctypes.data + source_at * SIZE, target.ctypes.data + target_at * SIZE
    whole_rows, whole_columns = rows - rows % LANES, columns - columns % LANES
    for i in range(0, whole_rows, LANES):
        for j in range(0, whole_columns, LANES):
            _transpose_block(at + (i * columns + j) * SIZE, columns, into + (j * rows + i) * SIZE, rows)
    for i in range(rows):
        for j in range(whole_columns if i < whole_rows else 0, columns):
            target[target_at + j * rows + i] = source[source_at + i * columns + j]
