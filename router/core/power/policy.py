"""What a policy says of the power of an own backend's units: when they are on, and by what they are switched.

A new driver is a class and its name in `Power`, and an entry in `power.drivers`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from router.core.policy_fields import Count, Duration, Length, Name, Names, Numeric, Section, TimeLimit
from router.core.power.schedule import parse_schedule


def _check_schedule(value: str) -> str:
    parse_schedule(value)
    return value


def _check_one_line(value: str) -> str:
    if "\0" in value:
        raise ValueError("no program can be given a zero byte")
    return value


ScheduleText = Annotated[str, AfterValidator(_check_schedule)]
Argument = Annotated[str, AfterValidator(_check_one_line), Field(max_length=4096)]
Path = Annotated[Argument, Field(min_length=1)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
Word = Annotated[str, Field(min_length=1, max_length=64)]
KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]

_OWN_FLAGS = {
    "--host": "the backend's url says it",
    "--port": "the backend's url says it",
    "--model": "launch.model says it",
    "--served-model-name": "the backend's serves says it",
    **{
        flag: f"launch.{setting} says it"
        for setting, flags in (
            ("quantization", ("--quantization", "-q")),
            ("gpu_memory_utilization", ("--gpu-memory-utilization",)),
            ("max_model_len", ("--max-model-len",)),
            ("dtype", ("--dtype",)),
            ("tensor_parallel_size", ("--tensor-parallel-size", "-tp")),
        )
        for flag in flags
    },
    "--api-key": "the backend's api_key says it, and what is an argument can be seen by every user of the machine",
}
"""Of vLLM: set from elsewhere in the policy, so that two places cannot disagree."""


class _Power(Section):
    """Base of every driver's section: when units are on, whatever switches them."""

    which: ClassVar[frozenset[str]] = frozenset()
    """Settings that say which unit it is. All others, such as commands, time limits and where credentials are, say when
    or how it is switched and looked at: they may be edited while it runs."""
    known_by_url: ClassVar[bool] = True
    """The backend's addresses and the models that it asks for there say, too, which unit it is."""

    mode: Literal["auto", "always", "never"] = "auto"
    """Whether demand decides, or units are always on or never."""
    units: Count = 1
    """Most units that are on at the same time; the driver kubernetes can have more than one."""
    start_time: TimeLimit = 300.0
    """How long a start takes until the unit answers, until that has been learned: what is expected, and no limit."""
    start_timeout: TimeLimit = 900.0
    """A start that takes longer has failed."""
    drain: Duration = 120.0
    """Longest wait for running requests before a stop."""
    min_on: Duration = 1800.0
    """Least time on, and how long a unit stays after the last request that may go nowhere else."""
    min_off: Duration = 300.0
    """Least time off, before a unit is started for its cost."""
    wake_for: Names | None = None
    """Levels whose requests start a unit when they may go nowhere else; all levels when left out."""
    schedule: ScheduleText | None = None
    """Hours in which a unit stays on, in cost.timezone: "08-20 Mon-Fri"."""

    @model_validator(mode="after")
    def _some_time_to_start(self) -> Self:
        if self.start_timeout < self.start_time:
            raise ValueError("start_timeout is shorter than start_time: every start would fail; raise start_timeout")
        return self

    @model_validator(mode="after")
    def _schedule_has_an_effect(self) -> Self:
        if self.schedule is not None and self.mode != "auto":
            raise ValueError(f'mode "{self.mode}" leaves nothing to a schedule: take one of them off')
        return self


class Launch(Section):
    """How a vLLM is started, as `vllm serve` takes it. Address, names and key are those of its backend."""

    model: Path
    """Name of the model; or the folder that it is in, beginning with / or, from where the gateway was started, ./."""
    python: Path | None = None
    """The Python that has vLLM installed; when left out, the first one of .venv-local and the gateway's own."""
    quantization: Literal["awq", "gptq", "fp8"] | None = None
    """Method by which the weights are made smaller; as the model says when left out."""
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the card's memory that it may take."""
    max_model_len: Length | None = None
    """Context length in tokens; that of the model when left out."""
    dtype: Literal["auto", "half", "float16", "bfloat16", "float", "float32"] | None = None
    """Type of the weights."""
    tensor_parallel_size: Annotated[int, Field(gt=0, le=1024)] | None = None
    """Cards over which the model is spread."""
    args: Annotated[tuple[Argument, ...], Field(strict=False, max_length=128)] = ()
    """Further arguments, as they are."""
    env: dict[VariableName, Argument] = Field(default={}, max_length=64)
    """Variables of its environment, which has little else; env:NAME and file:PATH say where a secret value is kept."""

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        for argument in self.args:
            flag = argument.partition("=")[0].replace("_", "-")
            if flag in _OWN_FLAGS:
                raise ValueError(f"args may not hold {flag}: {_OWN_FLAGS[flag]}")
        return self


class ProcessPower(_Power):
    which = frozenset({"launch"})

    driver: Literal["process"]
    """A vLLM that the gateway starts and stops on its own machine."""
    launch: Launch
    """How it is started."""


class Command(Section):
    run: Annotated[tuple[Argument, ...], Field(strict=False, min_length=1, max_length=256)]
    """Program and arguments, each an item of the list; no shell reads them."""
    timeout: TimeLimit = 60.0
    """Longest run; it is ended then, with all that it started."""


class Look(Command):
    """Prints, as its last line, a word that says whether the unit is on."""

    means_on: Annotated[tuple[Word, ...], Field(strict=False, min_length=1)] = ("on", "up", "running", "active", "1")
    """Words that say that the unit is on, or on its way there."""
    means_off: Annotated[tuple[Word, ...], Field(strict=False, min_length=1)] = (
        "off", "down", "stopped", "terminated", "inactive", "0",
    )  # fmt: skip
    """Words that say that it is off. After any other word, and when the command fails, it is unknown what it is."""


class CommandPower(_Power):
    driver: Literal["command"]
    """Commands, such as those of a cloud, of SkyPilot or ssh. Each may be run again when its work is done already."""
    start: Command
    """Starts the unit; it may return before the unit answers."""
    stop: Command
    """Stops it, so that its rent ends."""
    look: Look
    """Tells whether it is on."""
    env: dict[VariableName, Argument] = Field(default={}, max_length=64)
    """Variables of the commands' environment, which has little else; env:NAME and file:PATH say where a secret is."""


class KubernetesPower(_Power):
    which = frozenset({"workload", "name", "namespace", "context"})
    known_by_url = False

    driver: Literal["kubernetes"]
    """Replicas of a Deployment or StatefulSet, through its scale."""
    workload: Literal["Deployment", "StatefulSet"] = "Deployment"
    """What is scaled."""
    name: KubernetesName
    """Its name."""
    namespace: KubernetesName | None = None
    """Where it is; the namespace of the credentials when left out."""
    kubeconfig: Path | None = None
    """File with cluster and credentials (token or client certificate); those of the pod when left out."""
    context: Word | None = None
    """The context of the kubeconfig; its current one when left out."""
    timeout: TimeLimit = 10.0
    """Longest wait for an answer of the cluster."""


class SleepPower(_Power):
    driver: Literal["sleep"]
    """A vLLM that sleeps and wakes, which frees its card's memory but saves no rent. It runs with --enable-sleep-mode
    and VLLM_SERVER_DEV_MODE=1."""
    card: Name | None = None
    """The card that it is on: of those that share one, one is awake at a time, and sleeps before another wakes."""
    sleep_level: Annotated[Literal[1, 2], Numeric] = 1
    """How deep it sleeps. 1: the weights stay in the machine's memory. 2: they are dropped, and read anew from disk."""
    timeout: TimeLimit = 60.0
    """Longest wait until it has gone to sleep or woken."""


Power = Annotated[ProcessPower | CommandPower | KubernetesPower | SleepPower, Field(discriminator="driver")]
"""By one of the drivers: what is named here is what a policy may say."""


def limits() -> frozenset[str]:
    """Names of the settings that all drivers have: when units are on, not by what they are switched."""
    return frozenset(_Power.model_fields)
