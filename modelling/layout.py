"""Where the makers read and write, relative to the root of the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".framerail" / "cache" / "modelling"
CLIP = ROOT / "local" / "clip" / "pedestrians.mp4"
FP32_MODEL = ROOT / "model_repository" / "ssd_mobilenet" / "1" / "model.onnx"
INT8_MODEL = ROOT / "model_repository" / "ssd_mobilenet" / "2" / "model.onnx"
DIGESTS = ROOT / "modelling" / "SHA256SUMS"
