"""Whether the bundled image model is worth running in 8 bits: speed beside 32 bits in the same run, and the cosine of the two vectors.

    python -m bench.int8 DATA_FOLDER      (the folder that holds grocery/ and clothing/)

Calibrated on 200 clothing photos, compared on 200 others and on the 81 of grocery. docs/decisions/0013-image-int8.md
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import read_rows
from bench.timing import paired, shown
from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.efficientnet import EfficientNet
from mmsearch.encoders.weights import converted, file_hash

BATCH = 16


def ready(encoder: EfficientNet, paths: list[Path]) -> np.ndarray:
    return np.stack([encoder.prepare(path).pixels for path in paths])


def session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def features(model: Any, photos: np.ndarray) -> np.ndarray:
    found: np.ndarray = model.run(["features"], {"pixels": photos})[0]
    return found


def vectors(model: Any, photos: np.ndarray) -> np.ndarray:
    out = np.concatenate([features(model, photos[i : i + BATCH]) for i in range(0, len(photos), BATCH)])
    unit: np.ndarray = out / np.linalg.norm(out, axis=1, keepdims=True)
    return unit


def quantised(exact: Path, folder: Path, calibration: np.ndarray) -> dict[str, Path]:
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType, quantize_dynamic, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Photos(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = iter([calibration[i : i + BATCH] for i in range(0, len(calibration), BATCH)])

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"pixels": batch}

    prepared = folder / "prepared.onnx"
    quant_pre_process(str(exact), str(prepared))
    made = {"dynamic": folder / "dynamic.onnx"}
    quantize_dynamic(str(prepared), str(made["dynamic"]), weight_type=QuantType.QUInt8)
    kinds = {
        "static, 7-bit weights": (QuantType.QInt8, True),
        "static, signed weights": (QuantType.QInt8, False),
        "static, unsigned weights": (QuantType.QUInt8, False),
    }
    for name, (weights, reduced) in kinds.items():
        made[name] = folder / f"{len(made)}.onnx"
        quantize_static(
            str(prepared),
            str(made[name]),
            Photos(),
            activation_type=QuantType.QUInt8,
            weight_type=weights,
            per_channel=True,
            reduce_range=reduced,  # for processors whose products of bytes overflow (before AVX-512 VNNI)
            calibrate_method=CalibrationMethod.MinMax,
        )
    return made


def main() -> int:
    import logging

    logging.getLogger().setLevel(logging.ERROR)
    data = Path(sys.argv[1])
    encoder = ENCODERS.create("efficientnet")
    encoder.encode_batch([np.zeros((224, 224, 3), np.uint8)])
    exact = converted("efficientnet-lite0", "efficientnet-lite0 2", file_hash(encoder._weights), ".onnx", encoder._export)
    clothing = [data / "clothing" / row["image"] for row in read_rows(data / "clothing" / "products.csv")]
    grocery = [data / "grocery" / row["image"] for row in read_rows(data / "grocery" / "products.csv")]
    calibration, others = (
        ready(encoder, clothing[0:400:2]),
        {"clothing": ready(encoder, clothing[1:400:2]), "grocery": ready(encoder, grocery)},
    )
    with tempfile.TemporaryDirectory() as folder:
        models = {name: session(path) for name, path in quantised(exact, Path(folder), calibration).items()}
        plain = session(exact)
        for name, model in models.items():
            for photos, count in (("16 photos", 16), ("one photo", 1)):
                some = others["clothing"][:count]
                a, b, ratio = paired(lambda: features(model, some), lambda: features(plain, some), 15)  # noqa: B023
                print(f"{name}, {photos}: 8 bits {shown(a)}, 32 bits {shown(b)}; {1 / ratio:.2f} × as fast", flush=True)
            for where, photos_there in others.items():
                cosine = (vectors(model, photos_there) * vectors(plain, photos_there)).sum(axis=1)
                print(f"{name}, {where}: cosine mean {cosine.mean():.4f}, least {cosine.min():.4f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
