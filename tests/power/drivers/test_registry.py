from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, get_args

import pytest

from router.core.policy import Policy
from router.core.power.policy import Power
from router.power.drivers.command import CommandDriver
from router.power.drivers.kubernetes import KubernetesDriver
from router.power.drivers.process import ProcessDriver
from router.power.drivers.registry import driver_of, folder_of
from router.power.drivers.sleep import SleepDriver

RUN = {"run": ["true"]}
SECTIONS: dict[str, tuple[dict[str, Any], type]] = {
    "process": ({"launch": {"model": "m"}}, ProcessDriver),
    "command": ({"start": RUN, "stop": RUN, "look": RUN}, CommandDriver),
    "kubernetes": ({"name": "vllm"}, KubernetesDriver),
    "sleep": ({"card": "a"}, SleepDriver),
}


def policy(**powers: dict[str, Any] | None) -> Policy:
    vllm = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:8000/v1", "serves": {"chat": "m"}}
    return Policy.model_validate(
        {
            "version": 1,
            "zones": {"local": {"owned": True}},
            "backends": {name: vllm | {"power": power} for name, power in powers.items()},
            "models": {"chat": {"backends": list(powers)}},
        }
    )


@pytest.mark.parametrize("name", SECTIONS)
def test_every_driver_that_a_policy_may_name_is_there(name: str, tmp_path: Path) -> None:
    section, kind = SECTIONS[name]
    driver = driver_of("gpu", policy(gpu={"driver": name} | section), tmp_path)
    assert type(driver) is kind
    asyncio.run(driver.close())
    assert list(tmp_path.iterdir()) == [], "nothing is done by making it"


def test_no_driver_is_forgotten() -> None:
    assert len(SECTIONS) == len(get_args(get_args(Power)[0]))


def test_without_power_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"backends\.gpu has no power section"):
        driver_of("gpu", policy(gpu=None), tmp_path)


def test_those_on_one_card_know_of_each_other(tmp_path: Path) -> None:
    on_a, on_b = {"driver": "sleep", "card": "a"}, {"driver": "sleep", "card": "b"}
    driver = driver_of("one", policy(one=on_a, two=on_a, three=on_b, four=None), tmp_path)
    assert isinstance(driver, SleepDriver) and driver._sharing.keys() == {"two"}


@pytest.mark.parametrize("name", ["..", ".", "a/b", "x" * 128, "\u00e9" * 128])
def test_every_name_has_a_folder_of_its_own(name: str, tmp_path: Path) -> None:
    folder = folder_of(name, tmp_path)
    folder.mkdir(parents=True)
    assert folder.parent == tmp_path / "units" and folder.resolve() == folder
    assert folder != folder_of(f"{name}2", tmp_path)
