"""The drivers by the name that a policy gives them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import assert_never
from urllib.parse import quote

from router.core.policy import Policy
from router.core.power.policy import CommandPower, KubernetesPower, ProcessPower, SleepPower
from router.power.drivers.command import CommandDriver
from router.power.drivers.driver import Driver
from router.power.drivers.kubernetes import KubernetesDriver
from router.power.drivers.process import ProcessDriver
from router.power.drivers.sleep import SleepDriver

FOLDER = "units"
"""In the data directory: a folder for each backend that is switched from this machine."""
_LONGEST_NAME = 100


def driver_of(name: str, policy: Policy, data_dir: Path) -> Driver:
    """The driver of a backend that has a power section. Raises MissingSecretError."""
    backend = policy.backends[name]
    match backend.power:
        case ProcessPower() as power:
            return ProcessDriver(backend, power, folder_of(name, data_dir))
        case CommandPower() as power:
            return CommandDriver(backend, power, folder_of(name, data_dir))
        case KubernetesPower() as power:
            return KubernetesDriver(backend, power)
        case SleepPower() as power:
            sharing = {
                other: each
                for other, each in policy.backends.items()
                if other != name and isinstance(each.power, SleepPower) and each.power.card == power.card
            }
            return SleepDriver(backend, power, sharing)
        case None:
            raise ValueError(f"backends.{name} has no power section")
        case power:
            assert_never(power)


def folder_of(name: str, data_dir: Path) -> Path:
    """Names may hold what no file's name may."""
    written = quote(name, safe="").replace(".", "%2E")
    return data_dir / FOLDER / (written if len(written) <= _LONGEST_NAME else sha256(name.encode()).hexdigest())
