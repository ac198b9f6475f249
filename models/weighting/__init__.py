"""Weighting: which images should count more in a selection, from what is labelled or learnt so far."""

from models.weighting.balance import class_balance
from models.weighting.uncertainty import uncertainty, uncertainty_weights

__all__ = ["class_balance", "uncertainty", "uncertainty_weights"]
