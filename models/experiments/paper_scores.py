"""The paper's scores, to print next to ours: (pixel accuracy, mean accuracy, mean IoU), on Cityscapes.

Keys are the paper's row names; `None` stands for all of its 2,975 training images.
"""

Scores = tuple[float, ...]

TABLE_1: dict[tuple[int | None, str], Scores] = {
    (1, "random"): (0.401, 0.130, 0.076),
    (1, "k-medoids"): (0.567, 0.160, 0.114),
    (5, "random"): (0.633, 0.190, 0.139),
    (5, "k-medoids"): (0.636, 0.189, 0.143),
    (10, "random"): (0.701, 0.219, 0.162),
    (10, "k-medoids"): (0.720, 0.229, 0.174),
    (20, "random"): (0.720, 0.237, 0.189),
    (20, "k-medoids"): (0.746, 0.242, 0.196),
    (40, "random"): (0.766, 0.272, 0.223),
    (40, "k-medoids"): (0.781, 0.278, 0.236),
    (None, "–"): (0.878, 0.497, 0.402),
}

TABLE_2: dict[str, Scores] = {
    "pix2pix 200": (0.830, 0.366, 0.299),
    "cyclegan 200": (0.570, 0.210, 0.152),
    "1rand": (0.588, 0.205, 0.154),
    "1": (0.697, 0.222, 0.170),
    "5": (0.731, 0.255, 0.201),
    "10": (0.745, 0.269, 0.215),
    "20": (0.768, 0.291, 0.237),
    "20unbal": (0.759, 0.276, 0.222),
    "40": (0.791, 0.307, 0.251),
    "tripathy 30": (0.696, 0.224, 0.173),
    "tripathy 50": (0.702, 0.226, 0.179),
    "tripathy 70": (0.725, 0.244, 0.191),
    "cyclegan all": (0.569, 0.205, 0.156),
    "pix2pix all": (0.878, 0.497, 0.402),
}

TABLE_4: dict[str, Scores] = {
    "pix2pix 100": (0.377,),
    "cyclegan 100": (0.356,),
    "1": (0.405,),
    "5": (0.379,),
    "10": (0.415,),
    "20": (0.431,),
    "cyclegan all": (0.388,),
    "pix2pix all": (0.439,),
}
"""Satellite → map: the share of pixels within 20 of 255."""

TABLE_5: dict[str, Scores] = {
    "full": TABLE_2["20"],
    "w/o cycle": (0.767, 0.279, 0.227),
    "w/o idt": (0.759, 0.277, 0.224),
}

TABLE_6: dict[str, Scores] = {"fcn8s": (0.544, 0.158, 0.083), "hybrid": TABLE_2["20"]}

_OTHER_SOURCES: dict[int, dict[str, Scores]] = {
    1: {"far": (0.614, 0.215, 0.137), "near": (0.674, 0.249, 0.179)},
    5: {"far": (0.637, 0.217, 0.144), "near": (0.697, 0.253, 0.188)},
    10: {"far": (0.646, 0.228, 0.153), "near": (0.737, 0.270, 0.209)},
    20: {"far": (0.703, 0.259, 0.185), "near": (0.761, 0.282, 0.224)},
    40: {"far": (0.745, 0.291, 0.216), "near": (0.786, 0.309, 0.248)},
}
TABLE_7 = {
    count: {"–": TABLE_1[count, "k-medoids"], **scores, "own": TABLE_2[str(count)]}
    for count, scores in _OTHER_SOURCES.items()
}
"""By number of pairs: without unpaired samples ("–"), or with 200, whose label maps are from GTA (far),
Synscapes (near) or Cityscapes (own). Table 3 is the part with 20 pairs.
"""

TABLE_8: dict[tuple[int | None, str], Scores] = {
    (1, "random"): (0.494, 0.156, 0.099),
    (1, "k-medoids"): (0.588, 0.187, 0.125),
    (5, "random"): (0.612, 0.203, 0.144),
    (5, "k-medoids"): (0.645, 0.202, 0.147),
    (10, "random"): (0.695, 0.228, 0.171),
    (10, "k-medoids"): (0.723, 0.240, 0.186),
    (20, "random"): (0.714, 0.232, 0.179),
    (20, "k-medoids"): (0.730, 0.241, 0.187),
    (40, "random"): (0.718, 0.229, 0.178),
    (40, "k-medoids"): (0.737, 0.232, 0.183),
    (None, "–"): (0.760, 0.253, 0.200),
}

TABLE_9: dict[str, Scores] = {
    "pix2pix 200": (0.762, 0.254, 0.203),
    "cyclegan 200": (0.618, 0.191, 0.148),
    "1rand": (0.619, 0.215, 0.158),
    "1": (0.734, 0.245, 0.186),
    "5": (0.741, 0.258, 0.197),
    "10": (0.757, 0.266, 0.204),
    "20": (0.765, 0.264, 0.207),
    "20unbal": (0.752, 0.257, 0.198),
    "40": (0.761, 0.260, 0.202),
    "tripathy 30": (0.66, 0.19, 0.14),
    "tripathy 50": (0.65, 0.19, 0.13),
    "tripathy 70": (0.67, 0.19, 0.14),
    "cyclegan all": (0.583, 0.187, 0.138),
    "pix2pix all": (0.760, 0.253, 0.200),
}
