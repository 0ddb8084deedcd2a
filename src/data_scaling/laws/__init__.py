"""Scaling laws: how the expected contribution of each point falls with the size."""

from data_scaling.laws.expansion import ExpansionLaws
from data_scaling.laws.loading import load_laws
from data_scaling.laws.power import PowerLaws
from data_scaling.laws.protocol import ScalingLaws
from data_scaling.laws.status import FitStatus

__all__ = ["ExpansionLaws", "FitStatus", "PowerLaws", "ScalingLaws", "load_laws"]
