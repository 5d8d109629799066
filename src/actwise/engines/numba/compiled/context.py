"""The context: everything that the stages read and write, as one array of integers and one of floats.

The integers hold sizes, switches and the addresses of all other arrays. A stage is called with the
address of the integers alone, so that it compiles fast and is called at the cost of a C function.
"""

from numba import carray, float64, int64, njit, uint64  # type: ignore[attr-defined]  # Numba has no __all__

from .calls import pointer
from .element import ELEMENT

INTEGER_NAMES = (
    "FLOATS",  # address of the float part of the context
    # the network
    "LAYERS", "N_LAYERS",  # int64 table, a row per layer, COLUMNS wide
    "DROPOUT",  # float64 (n_layers,): share of each layer's inputs that is dropped
    "CONSTANTS", "CONSTANT_GRADIENTS", "N_CONSTANTS",  # float64: parameters of the activations
    "TRAINED", "N_TRAINED",  # int64 pairs: position in the constants, position among the parameters
    "PARAMETERS", "GRADIENTS", "N_PARAMETERS",  # elements
    "TRANSPOSED",  # elements: room for transposed weights, each matrix in the place of its own
    "N_STATISTICS",  # elements after the parameters: means and variances of normalising layers
    "WORK", "WORK_SIZE",  # elements: the batch, pre-activations, outputs, masks
    "DELTA_AT", "DELTA_LINEAR_AT",  # offsets into the work: gradients by output and by pre-activation
    "GEMM", "PRODUCT",  # addresses of BLAS gemm and of the tiled product
    # the loss
    "LOSS", "LOSS_CONSTANTS", "LOSS_ON_PRE_ACTIVATION", "N_TARGETS",
    "BATCH_TARGETS", "BATCH_WEIGHTS", "BATCH_SIZE",  # elements
    # the rows that are learned from: inputs stay where they are and are read with strides
    "INPUTS", "ROW_STRIDE", "COLUMN_STRIDE", "TARGETS", "WEIGHTS", "N_ROWS", "ORDER",
    # the rows that are judged by
    "JUDGED_INPUTS", "JUDGED_ROW_STRIDE", "JUDGED_COLUMN_STRIDE", "JUDGED_TARGETS", "JUDGED_WEIGHTS",
    "N_JUDGED", "JUDGED_ORDER",
    # where predictions go
    "OUTPUTS",
    # addresses of the stages
    "FORWARD_STAGE", "DROP_STAGE", "BACKWARD_STAGE", "BATCH_STAGE", "UPDATE_STAGE", "EPOCH_STAGE",
    "MAP_STAGE", "MAP_BACKWARD_STAGE",
    # large batches: the stage for two halves and their contexts, what two threads share, a function of the system
    "HALVES_STAGE", "FIRST_HALF", "SECOND_HALF", "TEAM", "YIELD",
    # the optimiser
    "FIRST", "SECOND", "N_FIRST", "N_SECOND", "RULE_CONSTANTS",
    # the loop's settings
    "EPOCHS", "SHUFFLED", "PATIENCE", "RATES", "HISTORY", "HISTORY_SIZE", "BEST",
    # the loop's state
    "RANDOM", "POSITION", "EPOCH", "STEP", "BEST_EPOCH", "STALE_EPOCHS", "HISTORY_ROW",
)  # fmt: skip
(
    FLOATS, LAYERS, N_LAYERS, DROPOUT, CONSTANTS, CONSTANT_GRADIENTS, N_CONSTANTS, TRAINED, N_TRAINED,
    PARAMETERS, GRADIENTS, N_PARAMETERS, TRANSPOSED, N_STATISTICS, WORK, WORK_SIZE, DELTA_AT, DELTA_LINEAR_AT,
    GEMM, PRODUCT,
    LOSS, LOSS_CONSTANTS, LOSS_ON_PRE_ACTIVATION, N_TARGETS, BATCH_TARGETS, BATCH_WEIGHTS, BATCH_SIZE,
    INPUTS, ROW_STRIDE, COLUMN_STRIDE, TARGETS, WEIGHTS, N_ROWS, ORDER,
    JUDGED_INPUTS, JUDGED_ROW_STRIDE, JUDGED_COLUMN_STRIDE, JUDGED_TARGETS, JUDGED_WEIGHTS,
    N_JUDGED, JUDGED_ORDER, OUTPUTS, FORWARD_STAGE, DROP_STAGE, BACKWARD_STAGE, BATCH_STAGE,
    UPDATE_STAGE, EPOCH_STAGE, MAP_STAGE, MAP_BACKWARD_STAGE, HALVES_STAGE, FIRST_HALF, SECOND_HALF, TEAM, YIELD,
    FIRST, SECOND, N_FIRST, N_SECOND, RULE_CONSTANTS,
    EPOCHS, SHUFFLED, PATIENCE, RATES, HISTORY, HISTORY_SIZE, BEST,
    RANDOM, POSITION, EPOCH, STEP, BEST_EPOCH, STALE_EPOCHS, HISTORY_ROW,
) = range(len(INTEGER_NAMES))  # fmt: skip
N_INTEGERS = len(INTEGER_NAMES)

FLOAT_NAMES = (
    "L2", "LARGEST_NORM", "TOLERANCE",  # settings; gradients longer than LARGEST_NORM are scaled down
    "RATE",  # learning rate of the step
    "LOSS_SUM", "WEIGHT_SUM", "BATCH_LOSS",  # state of the epoch and of the batch
    "MEAN_WEIGHT",  # of all rows that are learned from
    "NORM", "LARGEST_NORM_SEEN", "BEST_LOSS",
)  # fmt: skip
(
    L2,
    LARGEST_NORM,
    TOLERANCE,
    RATE,
    LOSS_SUM,
    WEIGHT_SUM,
    BATCH_LOSS,
    MEAN_WEIGHT,
    NORM,
    LARGEST_NORM_SEEN,
    BEST_LOSS,
) = range(len(FLOAT_NAMES))
N_FLOATS = len(FLOAT_NAMES)

LAYER_NAMES = (
    "N_INPUTS",  # width of the layer's input
    "N_LINEAR",  # width of the linear map: units times pieces
    "N_UNITS",  # width of the output
    "WEIGHTS_AT", "BIASES_AT",  # offsets into the parameters; -1: no bias
    "FORWARD", "LEARNING",  # addresses of kernels: the activation in prediction and in training
    "BACKWARD", "PARAMETER_GRADIENT",  # 0: slopes lie in the place of the pre-activations; no trained parameters
    "CONSTANTS_AT",  # where the activation's parameters begin in the constants
    "INPUT_AT", "PRE_ACTIVATION_AT", "OUTPUT_AT", "MASK_AT",  # offsets into the work; -1: no dropout
    "MAP",  # what stands before the activation: LINEAR, or a map of kernels/compiled/maps.py
    "SCALE_AT", "STATISTICS_AT",  # of a normalising layer: offsets into the parameters and what follows them
    "SAVED_AT",  # offset into the work: what its backward pass needs
)  # fmt: skip
(
    N_INPUTS, N_LINEAR, N_UNITS, WEIGHTS_AT, BIASES_AT, FORWARD, LEARNING, BACKWARD, PARAMETER_GRADIENT,
    CONSTANTS_AT, INPUT_AT, PRE_ACTIVATION_AT, OUTPUT_AT, MASK_AT,
    MAP, SCALE_AT, STATISTICS_AT, SAVED_AT,
) = range(len(LAYER_NAMES))  # fmt: skip
COLUMNS = len(LAYER_NAMES)
LINEAR, IDENTITY, NORMALISING = range(3)  # values of MAP

# Columns of a history row.
TRAINING_LOSS, VALIDATION_LOSS, LEARNING_RATE, GRADIENT_NORM = range(4)
HISTORY_COLUMNS = 4


@njit(error_model="numpy")
def elements(address, size):
    """View `size` elements at an address as an array."""
    return carray(pointer(address, ELEMENT(0)), size)


@njit(error_model="numpy")
def doubles(address, size):
    """View `size` float64 numbers at an address as an array."""
    return carray(pointer(address, float64(0)), size)


@njit(error_model="numpy")
def integers(address, size):
    """View `size` int64 numbers at an address as an array."""
    return carray(pointer(address, int64(0)), size)


@njit(error_model="numpy")
def words(address, size):
    """View `size` uint64 numbers at an address as an array."""
    return carray(pointer(address, uint64(0)), size)
