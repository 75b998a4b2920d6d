"""The model without a server: run by the interpreter that serves it, on the images that it gets.

`python bench/bare.py CONFIG.json MODEL.onnx IMAGES.npy FRAMES` takes the session from the very code
and configuration of the server, one session and one thread for each of its instances, and prints
`{"frames", "wall_s", "cpu_s"}`.
"""

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np

BATCH = 25
WARM_UP_BATCHES = 4


def main(config_file: Path, model_file: Path, images_file: Path, frames: int) -> None:
    """Measure and print."""
    from serving.onnxruntime.model_config import parse_model_config
    from serving.onnxruntime.session import Session

    text = config_file.read_text()
    settings = parse_model_config(text)
    instances = int(json.loads(text)["instance_group"][0]["count"])
    batch = {settings.inputs[0].name: np.load(images_file)[:BATCH]}
    sessions = [Session(model_file, settings) for _ in range(instances)]
    each = round(frames / BATCH / instances)

    def run_all(batches: int) -> None:
        threads = [
            threading.Thread(target=lambda own=own: [own.run(batch) for _ in range(batches)])
            for own in sessions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run_all(WARM_UP_BATCHES)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    run_all(each)
    figures = {
        "frames": each * instances * BATCH,
        "wall_s": time.perf_counter() - wall_s,
        "cpu_s": time.process_time() - cpu_s,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    config, model, images = map(Path, sys.argv[1:4])
    main(config, model, images, int(sys.argv[4]))
