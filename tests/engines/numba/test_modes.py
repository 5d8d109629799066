"""Subnormal numbers are 0 to training, on every thread that works, and to nothing else; the modes stay the caller's."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from llvmlite import binding as llvm
from llvmlite import ir
from numba import cfunc, types
from numba.core.registry import cpu_target

import actwise as aw
from actwise.engines.numba import build, engine, halves, tiny
from actwise.training import group
from actwise.training.api import start

ELEMENTS = ["float32", "float64"]
ON_THIS_PROCESSOR = pytest.mark.skipif(
    not build.compiled("modes", "float32").FLUSH, reason="this processor has no known way to flush subnormal numbers"
)


def _subnormals(array):
    return int(np.count_nonzero((array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)))


def _plain_stage(address, element):
    """Call a stage as it is: what training would do without the flush."""
    stage = engine.ctypes.CFUNCTYPE(engine.ctypes.c_int64, *[engine.ctypes.c_int64] * 4)(address)
    return lambda *arguments: stage(*arguments)


@pytest.fixture(params=[True, False], ids=["flushed", "exact"])
def flushed(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(engine, "training_stage", _plain_stage)
    return request.param


def _compiled(function):
    return cfunc(types.intp(*[types.intp] * 4), error_model="numpy")(function)


@pytest.fixture(scope="module")
def look():
    """A stage that returns the modes it runs under."""
    read_modes = build.compiled("modes", "float32").read_modes
    return _compiled(lambda _0, _1, _2, _3: read_modes())


@ON_THIS_PROCESSOR
@pytest.mark.parametrize("element", ELEMENTS)
def test_the_callers_modes_hold_before_and_after(look, element):
    flush = build.compiled("modes", element).FLUSH

    def seen(_):
        before = look.ctypes(0, 0, 0, 0)
        inside = engine.training_stage(look.address, element)(0, 0, 0, 0)
        return before, inside, look.ctypes(0, 0, 0, 0)

    with ThreadPoolExecutor(2) as pool:
        for before, inside, after in [seen(0), *pool.map(seen, range(4))]:
            assert before & flush == 0
            assert inside == before | flush
            assert after == before


@ON_THIS_PROCESSOR
def test_a_caller_who_flushes_goes_on_flushing(look):
    modes = build.compiled("modes", "float32")
    write_modes, read_modes, flush = modes.write_modes, modes.read_modes, modes.FLUSH
    around = build.stage("modes", "without_subnormals", "float32").address
    call_stage = build.compiled("calls", "float32").call_stage

    def under_flush(stage, _1, _2, _3):
        before = read_modes()
        write_modes(before | flush)
        call_stage(around, stage, 0, 0, 0)
        found = read_modes()
        write_modes(before)
        return found & flush

    assert _compiled(under_flush).ctypes(look.address, 0, 0, 0) == flush


@ON_THIS_PROCESSOR
@pytest.mark.parametrize("element", ELEMENTS)
def test_arithmetic_takes_operands_and_results_for_zero(flushed, element):
    """Seen from what is computed, whatever instructions do it."""
    elements = build.compiled("context", element).elements

    def stage(address, _1, _2, _3):
        numbers = elements(address, 4)
        numbers[0] *= numbers[3]
        numbers[1] /= numbers[3]
        return 0

    tiny = np.finfo(element).tiny
    given, exact = [tiny / 8, tiny, tiny / 8, 4], [tiny / 2, tiny / 4, tiny / 8, 4]
    numbers = np.array(given, element)
    compiled = _compiled(stage)
    engine.training_stage(compiled.address, element)(numbers.ctypes.data, 0, 0, 0)
    np.testing.assert_array_equal(numbers, np.array([0, 0, tiny / 8, 4] if flushed else exact, element))
    numbers[:] = given
    compiled.ctypes(numbers.ctypes.data, 0, 0, 0)
    np.testing.assert_array_equal(numbers, np.array(exact, element))


RNG = np.random.default_rng(3)
X = RNG.uniform(0, 1, (40, 3))
Y = X.sum(axis=1, keepdims=True)
# A third of the units is dead, and their weights shrink by a fixed factor in each step.
DEAD = [aw.Dense(6, "relu", bias_init=aw.Uniform(-2, 1)), aw.Dense(1)]
BY_PENALTY = {"optimizer": aw.SGD(0.05), "l2": 4.0}
BY_DECAY = {"optimizer": aw.AdamW(0.05, weight_decay=4.0)}


@ON_THIS_PROCESSOR
@pytest.mark.parametrize(
    ("settings", "fewest", "networks"),
    [(BY_PENALTY, 10**9, 1), (BY_DECAY, 10**9, 1), (BY_DECAY, 0, 1), (BY_PENALTY, 0, 3), (BY_DECAY, 0, 5)],
    ids=["penalty", "decay", "tiny", "threads", "lanes"],
)
def test_weights_that_shrink_become_zero(flushed, settings, fewest, networks, monkeypatch):
    monkeypatch.setattr(tiny, "FEWEST_STEPS", fewest)
    monkeypatch.setattr(group, "FEWEST_STEPS_FOR_LANES", fewest)
    network = aw.Network(DEAD, 3)
    options = {**settings, "batch_size": 10, "epochs": 150, "loss": "squared_error"}
    if networks == 1:
        runs = [aw.train(network, X, Y, **options)]
    else:
        runs = aw.train_many(network, X, Y, seeds=networks, threads=2, **options)
    assert (sum(_subnormals(run.network.values) for run in runs) > 0) is not flushed


@ON_THIS_PROCESSOR
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_passes_leave_no_subnormal_number(flushed, optimizer):
    network = aw.Network([aw.Dense(4, "tanh", bias=False, init=aw.Uniform(1e-4, 1e-3)), aw.Dense(1)], 3)
    progress = start(network, (X + 1) * 1e-37, Y, optimizer=optimizer, epochs=3, batch_size=40)
    for _ in progress:
        pass
    work, gradients = (progress._context[name] for name in ("WORK", "GRADIENTS"))
    assert (_subnormals(work) + _subnormals(gradients) > 0) is not flushed


@ON_THIS_PROCESSOR
def test_the_second_thread_flushes_too(flushed):
    network = aw.Network([aw.Dense(4, "tanh", bias=False, init=aw.Uniform(0, 1e-10)), aw.Dense(1)], 3)
    progress = start(network, X * 1e-30, Y, optimizer="adam", batch_size=40)
    context = progress.prepared()
    described = progress.settings.loss.for_engine(1)
    second = halves.halves_of(context, network.structure, described)["SECOND_HALF"]
    context.set(SECOND_HALF=second.integers.ctypes.data)
    names = build.compiled("halves", "float32")
    with halves.second_thread(context):
        shared = context["TEAM"]
        shared[names.FROM], shared[names.ASKED] = 0, 1  # nobody but the second thread is there to claim it
        while shared[names.ANSWERED] != 1:
            time.sleep(0.001)
    assert (_subnormals(second["WORK"]) > 0) is not flushed


@pytest.mark.parametrize("dtype", ELEMENTS)
def test_predictions_and_activations_keep_subnormal_numbers(dtype):
    least = np.finfo(dtype).smallest_subnormal
    network = aw.Network([aw.Dense(1, "tanh", bias=False)], 1, np.array([1.0]), dtype)
    aw.train(network, X[:, :1], Y, epochs=2)
    inputs = np.array([[3 * least], [-least]], dtype)
    np.testing.assert_array_equal(network.predict(inputs), inputs)
    np.testing.assert_array_equal(aw.activation("tanh")(inputs), inputs)


@pytest.mark.parametrize("triple", ["aarch64-unknown-linux-gnu", "arm64-apple-darwin", "riscv64-unknown-linux-gnu"])
def test_other_processors_get_instructions_of_their_own(triple):
    """For a processor that is not at hand: what its assembler takes, or nothing."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    source = build._texts("float32")["modes.py"].replace("llvm.get_process_triple()", repr(triple))
    module = {"__name__": "modes", "__package__": build.package("float32").__name__}
    exec(source, module)  # our own source
    written = ir.Module()
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64).as_pointer()])
    function = ir.Function(written, kind, "read_and_write")
    builder = ir.IRBuilder(function.append_basic_block())
    read, write = (
        module[name]._defn(*arguments)[1] for name, arguments in (("read_modes", [None]), ("write_modes", [None, None]))
    )
    modes = read(None, builder, None, [])
    builder.store(modes, function.args[0])
    write(cpu_target.target_context, builder, None, [modes])
    builder.ret_void()
    if triple.startswith("riscv"):
        assert module["FLUSH"] == 0
        assert "store i64 0" in str(written)
        return
    target = llvm.Target.from_triple(triple).create_target_machine()
    assembly = target.emit_assembly(llvm.parse_assembly(str(written))).lower()
    assert module["FLUSH"] == 1 << 24
    assert re.search(r"mrs\s+x\d, fpcr", assembly)
    assert re.search(r"msr\s+fpcr, x\d", assembly)
