"""Learners: ways of turning a coalition into marginal contributions."""

from data_scaling._lazy import list_stub, make_getattr

_homes = list_stub(__file__)
__all__ = sorted(_homes)
__getattr__ = make_getattr(__name__, _homes)


def __dir__() -> list[str]:
    return __all__
