"""Draws that are the same to the last bit, with all that belongs to them."""

from data_scaling.contributions import Contributions
from data_scaling.learning_curve import LearningCurve


def assert_same_bits(one: Contributions, other: Contributions) -> None:
    """Compare draws, the coalitions behind them, and those without points."""
    assert one.delta.tobytes() == other.delta.tobytes()
    assert one.cardinality.tobytes() == other.cardinality.tobytes()
    assert one.points.tolist() == other.points.tolist()
    assert (one.metric, one.learner) == (other.metric, other.learner)
    assert_same_curves(one.coalitions, other.coalitions)
    assert_same_curves(one.base, other.base)


def assert_same_curves(one: LearningCurve | None, other: LearningCurve | None) -> None:
    if one is None or other is None:
        assert one is other
        return
    assert one.cardinality.tobytes() == other.cardinality.tobytes()
    assert one.utility.tobytes() == other.utility.tobytes()
    assert one.descriptor.tobytes() == other.descriptor.tobytes()
