"""Remakes the demo clip and both versions of the model: `python -m modelling <step>`."""

import argparse
import logging
from collections.abc import Callable

from modelling import layout
from modelling.clip import encode_clip, model_images
from modelling.evaluate import agreement_table, cpu_ms_per_frame, greatest_difference
from modelling.onnx_detector import PROVIDERS, OnnxDetector
from modelling.sources import digest_of, frozen_graph, original_video

# The clip's first 25 s set the ranges of int8; from the 30th second on it is new to both versions.
CALIBRATION_FRAMES = range(0, 250, 2)
EVALUATION_FRAMES = range(300, 795, 5)
ORIGINAL_FRAMES = range(0, 795, 40)

log = logging.getLogger("modelling")


def clip() -> None:
    """Encode the demo camera's clip."""
    encode_clip(original_video(layout.CACHE), layout.CLIP)


def export() -> None:
    """Write version 1, and say how far it is from the original graph."""
    # TensorFlow is in the makers' own environment only; the other steps do without it.
    from modelling.export import original_detections, write_export

    weights = frozen_graph(layout.CACHE)
    write_export(weights, layout.FP32_MODEL)
    images = model_images(layout.CLIP, ORIGINAL_FRAMES)
    original = original_detections(weights, images)
    exported = list(OnnxDetector(layout.FP32_MODEL).detections(images))
    edge, confidence = greatest_difference(original, exported)
    boxes = sum(map(len, original))
    log.info("%d frames, %d boxes, as many in both", len(images), boxes)
    log.info("greatest difference: edge %.1e, confidence %.1e", edge, confidence)


def quantise() -> None:
    """Write version 2 from version 1."""
    from modelling.quantise import write_quantised

    images = model_images(layout.CLIP, CALIBRATION_FRAMES)
    write_quantised(layout.FP32_MODEL, layout.INT8_MODEL, images)


def evaluate() -> None:
    """Print the model card's tables."""
    images = model_images(layout.CLIP, EVALUATION_FRAMES)
    versions = {"1": OnnxDetector(layout.FP32_MODEL), "2": OnnxDetector(layout.INT8_MODEL)}
    found = {name: list(detector.detections(images)) for name, detector in versions.items()}
    log.info("version 2 against version 1, %d frames", len(images))
    log.info("%s", "\n".join(agreement_table(found["1"], found["2"])))
    for provider in PROVIDERS:
        for model in (layout.FP32_MODEL, layout.INT8_MODEL):
            cost_ms = cpu_ms_per_frame(OnnxDetector(model, provider), images)
            log.info("version %s, %s: %.1f CPU-ms a frame", model.parent.name, provider, cost_ms)


def digests() -> None:
    """Write the digests of what was made, in the format of `sha256sum --check`."""
    made = (layout.CLIP, layout.FP32_MODEL, layout.INT8_MODEL)
    lines = [f"{digest_of(file)}  {file.relative_to(layout.ROOT)}\n" for file in made]
    layout.DIGESTS.write_text("".join(lines))


STEPS: tuple[Callable[[], None], ...] = (clip, export, quantise, evaluate, digests)


def main() -> None:
    """Run one step."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    by_name = {step.__name__: step for step in STEPS}
    parser = argparse.ArgumentParser(prog="python -m modelling", description=__doc__)
    parser.add_argument("step", choices=by_name, help="in this order: %(choices)s")
    by_name[parser.parse_args().step]()


if __name__ == "__main__":
    main()
