"""What a policy asks of the cards that it names, and they do not have."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from router.config.problems import FieldPath, Finding, PolicyError, listing
from router.config.sizing.catalogue import Catalogue, load_catalogue, meant
from router.config.sizing.model_config import ModelConfig, read_model_config
from router.core.backend_kinds import Served, VllmBackend
from router.core.power.policy import Launch, ProcessPower
from router.core.sizing.cards import GIB, Card
from router.core.sizing.fit import Fit, Setup, beyond, fewest_cards, fit, too_old
from router.core.sizing.parallel import degrees, hindrance
from router.core.sizing.quantization import QUANTIZATIONS, Quantization
from router.core.values import Plan

_TIMES_TOO_MANY = 4
"""As many conversations as run at once fit when each takes a quarter of the context: beyond that they hardly can."""
_UNKNOWN_CONTEXT = 4096
"""Tokens, where neither policy nor model say more: a model that holds not even these fits nothing."""
_STEP = 1024
"""Of contexts that are proposed, in tokens."""


def what_does_not_fit(plan: Plan) -> Iterator[Finding]:
    """Of backends that serve a model that the catalogue knows or whose folder is here: how they spread it, its context
    and how its weights are made smaller; of those that name a `gpu` whether it fits."""
    own = {name: each for name, each in plan.policy.backends.items() if isinstance(each, VllmBackend)}
    if not own:
        return
    catalogue = load_catalogue()
    for name, backend in own.items():
        yield from _spread(name, backend)
        yield from _longer_than_started(name, backend, catalogue)
        yield from _made_smaller_twice(name, backend, catalogue)
        if backend.gpu is None:
            for asked in _asked(name, backend, catalogue):
                yield from _beyond(asked)
            continue
        card = catalogue.card(backend.gpu)
        if card is None:
            known = f"{meant(backend.gpu, catalogue.cards)} known are {listing(catalogue.cards)}"
            yield Finding(("backends", name, "gpu"), f'nothing is known of the card "{backend.gpu}"{known}')
            continue
        for asked in _asked(name, backend, catalogue):
            yield from _findings(asked, card, catalogue)


def not_looked_at(plan: Plan) -> Iterator[str]:
    """Of backends that name a card that is known, and serve models that are not: a sentence for each model."""
    catalogue = load_catalogue()
    for name, backend in plan.policy.backends.items():
        if not isinstance(backend, VllmBackend) or backend.gpu is None or catalogue.card(backend.gpu) is None:
            continue
        launch = _launch(backend)
        served = [each.model if isinstance(each, Served) else each for each in backend.serves.values()]
        for model in dict.fromkeys(served if launch is None else [launch.model]):
            if _config(model, catalogue) is None:
                yield (
                    f"whether {model} fits {backend.gpu} was not checked (backends.{name}): nothing is known of it;"
                    " `breakeven size` computes it from its config.json"
                )


class _Asked(Struct, frozen=True):
    """What one backend asks of its cards for one model."""

    model: str
    config: ModelConfig
    setup: Setup
    cards: int
    cards_path: FieldPath
    path: FieldPath
    """Where the context is said, or the model."""
    running: int | None
    running_path: FieldPath
    requests: int | None
    """That vLLM lets run at once; None for its own."""


def _asked(name: str, backend: VllmBackend, catalogue: Catalogue) -> Iterator[_Asked]:
    launch = _launch(backend)
    for key, entry in backend.serves.items():
        served = entry if isinstance(entry, Served) else Served(model=entry)
        model = served.model if launch is None else launch.model
        config = _config(model, catalogue)
        if config is None:
            continue
        context, path = _context(launch, served, ("backends", name), key)
        requests = _requests(launch)
        yield _Asked(
            model=model,
            config=config,
            setup=Setup(
                _quantization(launch, config),
                context or config.shape.context or _UNKNOWN_CONTEXT,
                utilization=launch.gpu_memory_utilization if launch else None,
                running=requests,
            ),
            cards=_cards(launch, backend),
            cards_path=("backends", name, *_cards_name(launch)),
            path=path,
            running=backend.capacity.max_running,
            running_path=("backends", name, "capacity", "max_running"),
            requests=requests,
        )
        if launch is not None:
            return  # one model is started, whatever it is called


def _launch(backend: VllmBackend) -> Launch | None:
    return backend.power.launch if isinstance(backend.power, ProcessPower) else None


def _quantization(launch: Launch | None, config: ModelConfig) -> Quantization:
    """vLLM makes fp8 of whole weights, and of no others."""
    made = launch is not None and launch.quantization == "fp8" and not config.method
    return QUANTIZATIONS["fp8"] if made else config.quantization


def _config(model: str, catalogue: Catalogue) -> ModelConfig | None:
    """Weights of a checkpoint are as small as it is known for."""
    entry = catalogue.model(model)
    if entry is not None:
        smaller = [key for key, each in entry.checkpoints.items() if each.repository.lower() == model.lower()]
        if not smaller:
            return entry.read()
        return replace(entry.read(smaller[0]), quantization=QUANTIZATIONS[smaller[0]], method=smaller[0])
    if not model.startswith(("/", "./", "../")) or not (Path(model) / "config.json").is_file():
        return None
    try:
        return read_model_config(model)
    except PolicyError:
        return None


def _context(launch: Launch | None, served: Served, backend: FieldPath, key: str) -> tuple[int | None, FieldPath]:
    if launch is not None and launch.max_model_len is not None:
        return launch.max_model_len, (*backend, "power", "launch", "max_model_len")
    if launch is not None:
        return None, (*backend, "power", "launch", "model")
    if served.context is not None:
        return served.context, (*backend, "serves", key, "context")
    return None, (*backend, "serves", key)


def _requests(launch: Launch | None) -> int | None:
    """`--max-num-seqs` of its arguments, in one or in two words."""
    words = " ".join(launch.args).replace("=", " ").split() if launch is not None else []
    for flag, value in pairwise(words):
        if flag.replace("_", "-") == "--max-num-seqs" and value.isdecimal():
            return max(1, int(value))
    return None


def _cards(launch: Launch | None, backend: VllmBackend) -> int:
    return (launch.tensor_parallel_size if launch else None) or backend.gpus


def _cards_name(launch: Launch | None) -> FieldPath:
    told = launch is not None and launch.tensor_parallel_size is not None
    return ("power", "launch", "tensor_parallel_size") if told else ("gpus",)


def _spread(name: str, backend: VllmBackend) -> Iterator[Finding]:
    """Where the cards that are said are not those over which it is started."""
    launch = _launch(backend)
    if launch is None or "gpus" not in backend.model_fields_set:
        return
    started = launch.tensor_parallel_size or 1
    if started != backend.gpus:
        yield Finding(
            ("backends", name, "gpus"),
            f"{backend.gpus} cards, where it is started on {started} (launch.tensor_parallel_size): say the same twice",
        )


def _longer_than_started(name: str, backend: VllmBackend, catalogue: Catalogue) -> Iterator[Finding]:
    """Where requests are let through for which it is started too short."""
    launch = _launch(backend)
    if launch is None:
        return
    config = _config(launch.model, catalogue) if launch.max_model_len is None else None
    started = launch.max_model_len or (config.shape.context if config is not None else None)
    said = "launch.max_model_len" if launch.max_model_len else "what its model was made for"
    if started is None:
        return
    for key, entry in backend.serves.items():
        context = entry.context if isinstance(entry, Served) else None
        if context is not None and context > started:
            yield Finding(
                ("backends", name, "serves", key, "context"),
                f"{context:,} tokens, where it is started with {started:,} ({said}): vLLM"
                " refuses longer requests, which are sent there all the same",
            )


def _made_smaller_twice(name: str, backend: VllmBackend, catalogue: Catalogue) -> Iterator[Finding]:
    """Where vLLM does not start: a method that is not the one of the weights (`_verify_quantization` in config/model.py
    of vLLM 0.32), or one that needs weights that were made smaller by it, of whole ones."""
    launch = _launch(backend)
    config = None if launch is None or launch.quantization is None else _config(launch.model, catalogue)
    if launch is None or config is None or launch.quantization == config.method:
        return
    if config.method:
        refused = f"vLLM refuses to start with {launch.quantization}; leave it out"
        why = f"its weights are {config.method} already, and {refused}"
    elif launch.quantization == "fp8":
        return
    else:
        why = f"its weights are whole, and vLLM finds no {launch.quantization} in them: name weights that were made so"
    yield Finding(("backends", name, "power", "launch", "quantization"), f"{launch.model}: {why}")


def _beyond(asked: _Asked) -> Iterator[Finding]:
    if why := beyond(asked.config.shape, asked.setup.context):
        yield Finding(asked.path, f"{asked.model}: {why}")


def _findings(asked: _Asked, card: Card, catalogue: Catalogue) -> Iterator[Finding]:
    release = catalogue.releases[-1]
    shape, quantization = asked.config.shape, asked.setup.quantization
    if undivided := hindrance(shape, quantization, asked.cards):
        fine = ", ".join(map(str, degrees(shape, quantization)))
        yield Finding(asked.cards_path, f"{asked.model}: {undivided}; among these it can: {fine}")
        return
    if beyond(shape, asked.setup.context):
        yield from _beyond(asked)
        return
    found = fit(shape, card, asked.setup, release, asked.cards)
    if not found.fits:
        yield Finding(
            asked.path, f"{_of(asked, card)} does not fit: {found.why_not}{_instead(asked, card, catalogue, found)}"
        )
        return
    lets = asked.requests or card.defaults.requests
    if asked.running is None:
        return
    if asked.running > lets:
        yield Finding(
            asked.running_path,
            f"{asked.running} run at once, of which vLLM lets {lets} on this card: the others wait inside of it; give"
            " --max-num-seqs, or lower it",
        )
    elif asked.running > _TIMES_TOO_MANY * found.conversations:
        each = found.tokens // asked.running
        yield Finding(
            asked.running_path,
            f"{_of(asked, card)} has room for {found.tokens:,} tokens: {each:,} for each of the {asked.running} that"
            f" run at once, of a context of {asked.setup.context:,}; they would push each other out",
        )


def _of(asked: _Asked, card: Card) -> str:
    count = "one" if asked.cards == 1 else f"{asked.cards}"
    doubtful = f", counted roughly ({'; '.join(asked.config.doubts)})," if asked.config.doubts else ""
    return f"{asked.model}{doubtful} on {count} {card.name} ({card.memory_gib:.0f} GiB)"


def _instead(asked: _Asked, card: Card, catalogue: Catalogue, found: Fit) -> str:
    """What would fit: a shorter context, more cards, or smaller weights."""
    shape, release = asked.config.shape, catalogue.releases[-1]
    ways = []
    if found.tokens >= _STEP and not too_old(card, asked.setup.quantization):
        ways.append(f"a context of {found.tokens // _STEP * _STEP:,}")
    more = fewest_cards(shape, card, asked.setup, release)
    if more.fits and more.cards > asked.cards:
        ways.append(f"{more.cards} cards")
    small = fit(shape, card, replace(asked.setup, quantization=QUANTIZATIONS["awq"]), release, asked.cards)
    if small.fits and not asked.config.method and small.weights < found.weights:
        ways.append(f"weights of 4 bits ({small.weights / GIB:.0f} GiB)")
    return f"; what would fit: {', or '.join(ways)}" if ways else ""
