"""Each case in a process of its own: what was imported once stays imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.models  # torch: seconds


def run(code: str, path: Path | None = None) -> str:
    preamble = f"import sys; sys.path.insert(0, {str(path)!r})\n" if path else ""
    done = subprocess.run([sys.executable, "-c", preamble + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


IMPORT = "from mmsearch.encoders.torch_compat import import_torchvision\nimport_torchvision()\n"


def test_what_imports_torchvision_can_be_imported() -> None:
    code = (
        IMPORT + "import torchvision, sentence_transformers, open_clip; import_torchvision(); print(torchvision.transforms.Resize(3).size)"
    )
    assert run(code) == "3"


def test_an_operator_that_is_only_declared_says_so() -> None:
    code = IMPORT + (
        "import torch\n"
        "boxes, scores = torch.tensor([[0., 0, 1, 1]]), torch.tensor([1.])\n"
        "try: print(torch.ops.torchvision.nms(boxes, scores, .5).tolist())\n"
        "except NotImplementedError as error: print('torchvision::nms' in str(error))\n"
    )
    assert run(code) in ("True", "[0]")  # where torchvision is whole it works


def test_a_torchvision_that_is_broken_otherwise_is_reported(tmp_path: Path) -> None:
    for text, kind in (("raise RuntimeError('out of order')", "RuntimeError"), ("import nothing_of_that_name", "ModuleNotFoundError")):
        (tmp_path / "torchvision.py").write_text(text, encoding="utf-8")
        assert run(f"try:\n    {IMPORT.replace(chr(10), chr(10) + '    ')}\nexcept {kind}: print('told')", tmp_path) == "told"


def test_nothing_to_do_without_torchvision() -> None:
    code = "import sys; sys.modules['torchvision'] = None\n" + IMPORT + "print('torch' in sys.modules)"
    assert run(code) == "False"
