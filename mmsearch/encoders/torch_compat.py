"""A CPU build of torch beside the registry's wheel of torchvision, which is a CUDA build: the trap, and the way around it.

`import torchvision` then ends with `operator torchvision::nms does not exist`: its compiled operators cannot be loaded, while its
Python part describes two of them to torch. transformers and open_clip import it whether they need it or not, and fail with it.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

#: The operators that its import asks for: they find boxes in photos, which no encoder here does.
_ASKED_FOR = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_declared: list[Any] = []  # a declaration lives as long as the object that made it


@functools.cache
def import_torchvision() -> None:
    """Import torchvision, so that transformers, sentence_transformers, timm and open_clip can be imported after it.

    Where its operators are missing they are declared, by name and signature only: calling one raises torch's own
    NotImplementedError. Nothing is done where torchvision works or is not installed.
    """
    try:
        import torchvision
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        import torch

        library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for signature in _ASKED_FOR:
            library.define(signature)
        _declared.append(library)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]  # what the import that failed left half done
        import torchvision  # noqa: F401
