"""Weighting: which images should count more in a selection, given the labels or a trained model so far."""

from models.weighting.balance import class_balance
from models.weighting.uncertainty import uncertainty, uncertainty_weights

__all__ = ["class_balance", "uncertainty", "uncertainty_weights"]
