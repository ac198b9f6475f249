"""How long a decoding process may work: in seconds of CPU time, and in more of them on the clock."""

from processes.limits import limit_time

LEAST_S = 3.0
PIXELS_A_SECOND = 4e6
"""A common core decodes 30 to 600 million pixels a second, and reads 7 million of a noisy label map."""
BYTES_A_SECOND = 20e6
"""gzip unpacks several hundred million bytes a second."""
LISTING_S = 20.0
"""The names of 100,000 files in an archive take 3 seconds."""
ON_THE_CLOCK = 10


def of_image(pixels: int) -> float:
    """Seconds of CPU time for an image."""
    return LEAST_S + pixels / PIXELS_A_SECOND


def of_bytes(count: int) -> float:
    """Seconds of CPU time to unpack so many bytes."""
    return LEAST_S + count / BYTES_A_SECOND


def on_the_clock(cpu_s: float) -> float:
    """The seconds after which a process ends that may take `cpu_s` of CPU time."""
    return ON_THE_CLOCK * cpu_s


_enforced = [False]


def enforce() -> None:
    """From now on `allow` limits this process; elsewhere it does nothing."""
    _enforced[0] = True


def allow(cpu_s: float) -> None:
    """Let the kernel end this process when its work takes longer than this from now on."""
    if _enforced[0]:
        limit_time(cpu_s, on_the_clock(cpu_s))


def done() -> None:
    limit_time(0, 0)
