"""Where Presidio is installed, and what a policy that has entities sought lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from router.config.problems import Finding
from router.core.policy import Policy

PRESIDIO_PYTHON = "BREAKEVEN_PRESIDIO_PYTHON"
"""Variable that names the Python of the environment that has it."""
PRESIDIO_ENVIRONMENT = ".venv-presidio"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""For its process: what it computes is small, and more threads would only take processors from the workers."""
LOOK_SECONDS = 30.0
_LOOK = (
    "import sys; from importlib.util import find_spec; from pathlib import Path\n"
    "def has(name):\n"
    "    try: return find_spec(name) is not None\n"
    "    except (ImportError, ValueError): return False\n"
    "if not has('presidio_analyzer') or not has('spacy'): sys.exit(3)\n"
    "model = sys.argv[1]\n"
    "if not Path(model).is_dir() and (model[0] in './' or not has(model)): sys.exit(4)\n"
)


def presidio_python() -> str:
    """Presidio is heavy, so it may have an environment of its own: named, or beside ours."""
    beside = Path(sys.prefix).parent / PRESIDIO_ENVIRONMENT / "bin" / "python"
    return os.environ.get(PRESIDIO_PYTHON) or (str(beside) if os.access(beside, os.F_OK) else sys.executable)


def find_unsought(policy: Policy) -> tuple[Finding, ...]:
    """Entities that nothing is said of how they are to be sought."""
    section = policy.sensitivity
    if section is None or section.presidio is not None:
        return ()
    message = (
        "entities are sought by Presidio: say with which model, such as `sensitivity.presidio.model: en_core_web_sm`"
    )
    numbers = [number for number, each in enumerate(section.detectors) if each.entities]
    return tuple(Finding(("sensitivity", "detectors", number, "entities"), message) for number in numbers)


def find_uninstalled(policy: Policy) -> tuple[Finding, ...]:
    """What entities need and this machine lacks. Starts a process for policies that have some sought."""
    section = policy.sensitivity
    if section is None or section.presidio is None or not any(each.entities for each in section.detectors):
        return ()
    python, model = presidio_python(), section.presidio.model
    try:
        looked = subprocess.run(  # noqa: S603
            [python, "-P", "-c", _LOOK, model],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LOOK_SECONDS,
            check=False,
        ).returncode
    except OSError:
        looked = 3
    except subprocess.TimeoutExpired:
        return ()  # nobody knows; if it is missing, its process says so when it starts
    if looked == 0:
        return ()
    if looked == 4:
        message = (
            f'no spaCy pipeline "{model}" is installed for {python}, and no folder is called so: install the package, '
            "or name the folder of one"
        )
        return (Finding(("sensitivity", "presidio", "model"), message),)
    message = (
        "entities are sought by Presidio, which is not installed: scripts/environment.sh presidio, or "
        f"pip install 'breakeven[presidio]', or name the Python that has it in {PRESIDIO_PYTHON}"
    )
    return (Finding(("sensitivity", "presidio"), message),)
