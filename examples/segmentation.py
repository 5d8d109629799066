"""Which pixels are foreground? A sigmoid output as a probability per pixel, against thresholds.

The images are made here: bright ellipses under uneven light and noise. One brightness that separates
foreground from background in the whole image does not exist, so the network looks at a pixel's surroundings,
near and far.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

import actwise as aw

SIDE = 48
CONTRAST, LIGHT, NOISE = 0.5, 1.0, 0.25  # of the ellipses, of the light across the image, standard deviation
WINDOW = 7
STEPS = (1, 3, 6)  # pixels between the samples of a window: 7 x 7, 19 x 19 and 37 x 37 pixels are seen
PIXELS_PER_IMAGE = 400
SMOOTHING, FLATTENING = (0.0, 1.0, 1.5, 2.0), (0.0, 8.0, 12.0, 16.0)


def make_image(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An image and its mask, both of shape (SIDE, SIDE)."""
    down, right = np.mgrid[:SIDE, :SIDE]
    mask = np.zeros((SIDE, SIDE), bool)
    for _ in range(rng.integers(1, 4)):
        centre, radii, angle = rng.uniform(8, SIDE - 8, 2), rng.uniform(3, 9, 2), rng.uniform(0, np.pi)
        y, x = down - centre[0], right - centre[1]
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        mask |= (along / radii[0]) ** 2 + (across / radii[1]) ** 2 < 1
    direction, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1, 2)
    u, v = down / (SIDE - 1) - 0.5, right / (SIDE - 1) - 0.5
    light = LIGHT * (np.cos(direction) * u + np.sin(direction) * v + bend[0] * u * u + bend[1] * v * v)
    return light + CONTRAST * mask + rng.normal(0, NOISE, mask.shape), mask


def make_images(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    images, masks = zip(*(make_image(rng) for _ in range(count)), strict=True)
    return np.array(images), np.array(masks)


def surroundings(image: np.ndarray) -> np.ndarray:
    """Three windows around each pixel, the wider ones of local means: shape (SIDE * SIDE, 3 * WINDOW**2)."""
    windows = []
    for step in STEPS:
        reach = WINDOW // 2 * step
        padded = np.pad(uniform_filter(image, step), reach, mode="reflect")
        view = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
        windows.append(view[:, :, ::step, ::step].reshape(image.size, -1))
    return np.hstack(windows)


def train(images: np.ndarray, masks: np.ndarray, seed: int) -> aw.Network:
    """Learn from some pixels of each image."""
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(SIDE * SIDE, PIXELS_PER_IMAGE, replace=False) for _ in images]
    X = np.concatenate([surroundings(image)[pixels] for image, pixels in zip(images, chosen, strict=True)])
    y = np.concatenate([mask.ravel()[pixels] for mask, pixels in zip(masks, chosen, strict=True)])
    net = aw.Network(
        [aw.Dense(64, "relu"), aw.Dropout(0.2), aw.Dense(32, "relu"), aw.Dense(1, "sigmoid")],
        n_inputs=X.shape[1],
    )
    settings: dict[str, Any] = {"learning_rate": aw.CosineDecay(0.002), "batch_size": 128, "epochs": 15}
    return aw.train(net, X, y, loss="binary_cross_entropy", seed=seed, **settings).network


def iou(found: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Intersection over union of each image."""
    return (found & masks).sum(axis=(1, 2)) / (found | masks).sum(axis=(1, 2))


def otsu(image: np.ndarray) -> float:
    """The threshold that makes the variance between the two sides largest (Otsu 1979)."""
    values = np.sort(image.ravel())
    below = np.arange(1, values.size)
    sums = np.cumsum(values)[:-1]
    difference = sums / below - (values.sum() - sums) / below[::-1]
    best = int(np.argmax(below * below[::-1] * difference**2))
    return float((values[best] + values[best + 1]) / 2)


def best_threshold(images: np.ndarray, masks: np.ndarray) -> tuple[float, float]:
    """The threshold with the largest mean IoU, and that IoU."""
    candidates = np.quantile(images, np.linspace(0.02, 0.99, 98))
    scores = [iou(images > threshold, masks).mean() for threshold in candidates]
    return float(candidates[np.argmax(scores)]), float(max(scores))


def flattened(images: np.ndarray, smoothing: float, flattening: float) -> np.ndarray:
    """Images with the noise smoothed and a wide local mean, the light, taken off."""
    smooth = gaussian_filter(images, (0, smoothing, smoothing))
    return smooth - gaussian_filter(images, (0, flattening, flattening)) if flattening else smooth


def thresholds(images: np.ndarray, masks: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Three ways to threshold, each with its best settings on the training images."""
    plain = best_threshold(images, masks)[0]
    widths = max(product(SMOOTHING, FLATTENING), key=lambda pair: best_threshold(flattened(images, *pair), masks)[1])
    tuned = best_threshold(flattened(images, *widths), masks)[0]
    return {
        "Otsu's threshold, image by image": lambda new: np.array([each > otsu(each) for each in new]),
        "best threshold for all images": lambda new: new > plain,
        f"smoothed by {widths[0]:g}, light off by {widths[1]:g}, best threshold": (
            lambda new: flattened(new, *widths) > tuned
        ),
    }


def draw(image: np.ndarray, panels: dict[str, np.ndarray], probability: np.ndarray, title: str, path: Path) -> None:
    """Save a picture: the image, four masks and the probability."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6.6), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True, sharey=True)
    first, last = axes[:, 2]
    figure.colorbar(first.imshow(image, cmap="gray"), ax=first, shrink=0.85, label="brightness")
    first.set_title("image, uneven light and noise")
    for axis, (name, mask) in zip(axes[:, :2].flat, panels.items(), strict=True):
        axis.imshow(mask, cmap="gray", vmin=0, vmax=1)
        axis.set_title(name)
    shades = last.imshow(probability, cmap="viridis", vmin=0, vmax=1)
    last.contour(probability, [0.5], colors="red", linewidths=1.2)
    last.set_title(title)
    figure.colorbar(shades, ax=last, shrink=0.85, label="probability of foreground")
    figure.suptitle("Foreground in an image the network has not seen; IoU is intersection over union")
    figure.supxlabel("pixels to the right")
    figure.supylabel("pixels down")
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=120, help="to train on")
    parser.add_argument("--test-images", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("segmentation.png"), help="where the picture goes")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    images, masks = make_images(options.images, rng)
    new_images, new_masks = make_images(options.test_images, rng)

    net = train(images, masks, options.seed)
    probabilities = np.array([net.predict(surroundings(image)).reshape(image.shape) for image in new_images])
    found = {name: cut(new_images) for name, cut in thresholds(images, masks).items()}
    found["network, probability above 0.5"] = probabilities > 0.5
    print(f"{options.test_images} new images of {SIDE} x {SIDE} pixels, {100 * new_masks.mean():.0f} % foreground")
    print("Intersection over union, mean over the images and its standard error:")
    scores = {name: iou(each, new_masks) for name, each in found.items()}
    for name, each in scores.items():
        print(f"  {name:55} {each.mean():.3f} +- {each.std(ddof=1) / np.sqrt(len(each)):.3f}")
    sure = (probabilities > 0.9) | (probabilities < 0.1)
    right = ((probabilities > 0.5) == new_masks)[sure].mean()
    print(f"Where the network is sure (below 0.1 or above 0.9: {100 * sure.mean():.0f} % of the pixels),", end=" ")
    print(f"{100 * right:.1f} % are right.")
    if find_spec("matplotlib"):
        ranked = scores["network, probability above 0.5"]
        shown = int(np.argsort(ranked)[options.test_images // 2])
        panels = {"truth": new_masks[shown]}
        for title, name in zip(("Otsu", "best threshold", "light taken off"), found, strict=False):
            panels[f"{title}, IoU {scores[name][shown]:.2f}"] = found[name][shown]
        draw(
            new_images[shown],
            panels,
            probabilities[shown],
            f"network, red at 0.5, IoU {ranked[shown]:.2f}",
            options.out,
        )
        print(f"The image with the median score is drawn in {options.out}")
    return {"scores": scores, "probabilities": probabilities, "masks": new_masks, "images": new_images}


if __name__ == "__main__":
    main()
