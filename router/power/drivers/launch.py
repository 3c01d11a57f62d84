"""`launch:` of a policy -> the command and the environment of a vLLM."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import router
from router.core.power.policy import Launch
from router.power.drivers.driver import DriverError
from router.system.environment import FOR_GPUS, needed

LOCAL_ENVIRONMENT = ".venv-local"
"""The folder that `make local` fills."""


def command_of(launch: Launch, program: str, url: str, served: tuple[str, ...]) -> tuple[str, ...]:
    """`vllm serve` at the backend's url, under the names by which it is asked for."""
    address = urlsplit(url)
    # It runs in a folder of its own, where a relative path would lead nowhere.
    model = os.path.abspath(launch.model) if launch.model.startswith(("./", "../")) else launch.model  # noqa: PTH100
    command = [*_server(program, model), "--host", address.hostname or "", "--port", str(address.port)]
    command += ["--served-model-name", *served]
    for flag, value in (
        ("--quantization", launch.quantization),
        ("--gpu-memory-utilization", launch.gpu_memory_utilization),
        ("--max-model-len", launch.max_model_len),
        ("--dtype", launch.dtype),
        ("--tensor-parallel-size", launch.tensor_parallel_size),
    ):
        if value is not None:
            command += [flag, str(value)]
    return (*command, *launch.args)


def _server(program: str, model: str) -> list[str]:
    """`vllm serve`, by its module where there is a Python beside it: in the build for CPUs, whose package has another
    name, the program itself ends with an error."""
    python = Path(program).with_name("python")
    if _runs(python):
        return [str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", model]
    return [program, "serve", model]


def environment_of(variables: Mapping[str, str], api_key: str, program: str) -> dict[str, str]:
    """Of that command: what the machine says of its cards, no word to vLLM's makers, and the policy's variables."""
    environment = needed(more=FOR_GPUS)
    # What an environment of Python installs beside vLLM, such as ninja, is found by its name only on the path.
    environment["PATH"] = os.pathsep.join((str(Path(program).parent), environment.get("PATH", os.defpath)))
    environment |= {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if api_key:
        environment["VLLM_API_KEY"] = api_key
    return environment | dict(variables)


def program_of(launch: Launch) -> str:
    """Path of the `vllm` that is started. Raises DriverError where there is none."""
    if launch.python is not None:
        beside = Path(launch.python).with_name("vllm")
        if not _runs(beside):
            raise DriverError(f"{beside} is not there: launch.python is to name the Python of an environment with vLLM")
        return str(beside)
    for candidate in _candidates():
        if _runs(candidate):
            return str(candidate)
    found = shutil.which("vllm")
    if found is None:
        raise DriverError("vLLM is not installed: run `make local`, or name the Python that has it by launch.python")
    return found


def _candidates() -> Iterator[Path]:
    yield Path(router.__file__).parents[1] / LOCAL_ENVIRONMENT / "bin" / "vllm"
    yield Path(sys.executable).with_name("vllm")


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)
