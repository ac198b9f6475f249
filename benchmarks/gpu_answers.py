"""What the rows of `benchmarks.gpu` say about the goals, and whether each GPU path pays."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.measuring import Row

GAIN = 1.1
"""A GPU path stays only if it makes its work at least this many times as fast."""

SAME_OBJECTIVE = 1.001
"""The GPU's objective may be higher by this factor, because other roundings lead to other local optima."""

Parts = Mapping[str, Mapping[str, Any]]


def answers(parts: Parts) -> list[Row]:
    """The measured value, the wanted value and the verdict for every goal and every gain."""
    return [*_goals(parts), *_gains(parts)]


def _goals(parts: Parts) -> Iterator[Row]:
    tests = parts.get("tests", {}).get("rows", [])
    ran = [row["result"] for row in tests if not row["result"].startswith("skipped")]
    failed = sum(not result.startswith("passed") for result in ran)
    yield _answer("failed tests", failed if ran else None, most=0)
    hybrid = {"method": "hybrid", "size": 256, "batch": 1}
    correct = [ratio for ratio, same in _found(parts, "steps", ("ratio", "same"), hybrid) if same != "NO"]
    yield _answer("hybrid step at 256², batch 1, times as fast as plain", max(correct, default=None), least=3)
    resnet = {"encoder": "resnet50", "photos": "480x360"}
    yield _answer(
        "photos a second, 480 × 360 JPEGs, resnet50",
        max(
            (
                rate
                for rate, what in _found(parts, "embedding", ("photos_per_second", "what"), resnet)
                if what.startswith("pipeline")
            ),
            default=None,
        ),
        least=5000,
    )
    million = {"images": 1_000_000, "budget": 100, "device": "cuda"}
    yield _answer("seconds to pick 100 of a million", _only(parts, "selection", "seconds", million), most=15)
    objectives = [value for (value,) in _found(parts, "selection", ("gpu_objective_of_this",), {})]
    yield _answer(
        "objective on the GPU, of the CPU's, at worst", max(objectives, default=None), most=SAME_OBJECTIVE
    )


def _gains(parts: Parts) -> Iterator[Row]:
    hybrid = {"method": "hybrid", "size": 256, "batch": 1}

    def step(variant: str) -> float | None:
        return _only(parts, "steps", "milliseconds", hybrid | {"variant": variant})

    def rate(what: str, **more: str) -> float | None:
        asked = {"encoder": "resnet50", "what": what} | more
        return _only(parts, "embedding", "photos_per_second", asked)

    def seconds(device: str) -> float | None:
        asked = {"images": 1_000_000, "budget": 100, "device": device}
        return _only(parts, "selection", "seconds", asked)

    encoders = ("float32", "bfloat16", "float32, channels last", "bfloat16, channels last")
    tried = [found for name in encoders if (found := rate(f"encoder, {name}")) is not None]
    gains = {
        "CUDA graph of a compiled step": (step("compiled"), step("compiled_graph")),
        "planned image pool": (step("plain_pool"), step("eager")),
        "decoding in processes": (
            rate("pipeline, processes", photos="480x360"),
            rate("pipeline, threads", photos="480x360"),
        ),
        "trying memory formats, not always bfloat16 and channels last": (
            max(tried, default=None),
            rate(f"encoder, {encoders[-1]}"),
        ),
        "FAISS on the GPU": (seconds("cpu"), seconds("cuda")),
    }
    for path, (more, less) in gains.items():
        gain = more / less if more is not None and less is not None else None
        yield _answer(f"{path}: gain", gain, least=GAIN)


def _answer(
    question: str, value: float | None, *, least: float | None = None, most: float | None = None
) -> Row:
    wanted = f"at least {least:,}" if least is not None else f"at most {most:,}"
    reached = "unmeasured"
    if value is not None:
        is_reached = value >= least if least is not None else most is not None and value <= most
        reached = "yes" if is_reached else "no"
    return {"question": question, "measured": value, "wanted": wanted, "reached": reached}


def _only(parts: Parts, part: str, name: str, asked: Row) -> float | None:
    found = _found(parts, part, (name,), asked)
    return found[0][0] if found else None


def _found(parts: Parts, part: str, names: tuple[str, ...], asked: Row) -> list[tuple[Any, ...]]:
    """The values under `names` from all rows that have them and that agree with `asked`."""
    rows = parts.get(part, {}).get("rows", [])
    return [
        tuple(row[name] for name in names)
        for row in rows
        if asked.items() <= row.items() and all(row.get(name) is not None for name in names)
    ]
