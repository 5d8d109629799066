"""Changes bytes of saved models at random: each changed model is refused in a sentence, or answers as before.

    python tools/mutate_models.py [--count 5000] [--seed 0]

Takes the models under tests/persistence/models_0_1_0, in both files that a model is read from. A change that bears no
meaning, such as a blank in the JSON, may be accepted; then the answers have to be the same bits. Prints counts; what
they were is in tools/attacks.md.
"""

import argparse
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import actwise as aw

MODELS = Path(__file__).parents[1] / "tests" / "persistence" / "models_0_1_0"
CHANGES = ("flip a bit", "set bytes", "insert bytes", "delete bytes", "cut off", "repeat bytes", "swap two pieces")


def changed(content: bytes, how: str, rng: np.random.Generator) -> bytes:
    at, length = int(rng.integers(len(content))), int(rng.integers(1, 40))
    before, piece, after = content[:at], content[at : at + length], content[at + length :]
    if how == "flip a bit":
        return before + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
    if how == "set bytes":
        return before + bytes([int(rng.integers(256))]) * len(piece) + after
    if how == "insert bytes":
        return before + rng.bytes(length) + piece + after
    if how == "delete bytes":
        return before + after
    if how == "cut off":
        return before
    if how == "repeat bytes":
        return before + piece * 2 + after
    return before + after[:length] + piece + after[length:]


def answers(model: object, name: str) -> bytes:
    """What a model says to the rows that are kept beside it."""
    with np.load(MODELS / f"{name}.npz") as kept:
        inputs = kept["inputs"] if "inputs" in kept else MODELS / "rows.csv"
        methods = sorted(set(kept) - {"inputs"})
    if hasattr(model, "feature_names_in_"):
        import pandas as pd

        inputs = pd.DataFrame(inputs, columns=model.feature_names_in_)
    return b"".join(getattr(model, method)(inputs).tobytes() for method in methods)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(options.seed)
    names = sorted(each.name for each in MODELS.iterdir() if (each / "model.json").exists())
    wanted = {name: answers(aw.load(MODELS / name), name) for name in names}
    counts: Counter[tuple[str, str, str]] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            name = names[int(rng.integers(len(names)))]
            file = ("model.json", "weights.safetensors")[int(rng.integers(2))]
            how = CHANGES[int(rng.integers(len(CHANGES)))]
            original = (MODELS / name / file).read_bytes()
            content = changed(original, how, rng)
            if content == original:
                result = "nothing changed"
            else:
                place = Path(folder) / "model"
                shutil.copytree(MODELS / name, place)
                (place / file).write_bytes(content)
                try:
                    result = "same answers" if answers(aw.load(place), name) == wanted[name] else "OTHER ANSWERS"
                except aw.ActwiseError as error:
                    result = "refused" if "\n" not in str(error) and str(place) in str(error) else "BAD SENTENCE"
                except Exception as error:  # whatever else comes out is what is looked for
                    result = f"TRACEBACK {type(error).__name__}"
                shutil.rmtree(place)
            counts[file, how, result] += 1
            if result.isupper() or result.startswith("TRACEBACK"):
                wrong.append(f"{number}: {name}/{file}, {how}: {result}")
    print("| file | change | result | count |\n| --- | --- | --- | --- |")
    for (file, how, result), count in sorted(counts.items()):
        print(f"| {file} | {how} | {result} | {count} |")
    print(*wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
