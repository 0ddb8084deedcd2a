"""Files of trained models: safetensors, with the rest as JSON in their header."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling._files import write_whole
from data_scaling.amortized.encoding import Encoding
from data_scaling.amortized.model import METHODS, AmortizedModel
from data_scaling.amortized.probes import Probes
from data_scaling.errors import InputError
from data_scaling.estimators.choice import Choice, Law
from data_scaling.estimators.learned_laws import LearnedLaws
from data_scaling.estimators.moments import Powers
from data_scaling.estimators.prior import Prior

FORMAT = "data_scaling amortized model"
VERSION = 4
_PROBES = ("weight", "pull", "root", "center", "spread")
_GRID, _SCALARS = ("betas", "taus", "weights"), ("shape", "variance", "noise_share")
_CHOICE = ("base", "bend", "level", "slope")


def save_model(
    model: AmortizedModel, settings: dict[str, Any], path: str | os.PathLike[str]
) -> None:
    """Write a model and the settings it was trained with, whole or not at all."""
    numpy_format = require_extra("safetensors.numpy", "torch")
    encoding = model.encoding
    tensors = {
        f"member{j}.{name}": np.ascontiguousarray(array)
        for j, member in enumerate(model.members)
        for name, array in member.items()
    }
    tensors |= {"encoding.mean": encoding.mean, "encoding.scale": encoding.scale}
    if model.probes:
        tensors |= {f"probes.{name}": getattr(model.probes, name) for name in _PROBES}
    tensors |= {"mixture.numbers": model.numbers, "mixture.weights": model.weights}
    plain, arrays = _describe_plain(model.plain) if model.plain else (None, {})
    tensors |= arrays
    header = {
        "format": FORMAT,
        "version": VERSION,
        "settings": settings,
        "method": model.method,
        "n_members": len(model.members),
        "hidden": list(model.hidden),
        "powers": model.powers.tolist(),
        "base": model.base,
        "unit": model.unit,
        "feature_names": list(encoding.feature_names),
        "classes": list(encoding.classes),
        "is_detailed": model.is_detailed,
        "probes": model.probes.base if model.probes else None,
        "plain": plain,
        "target": [encoding.target_mean, encoding.target_scale],
    }
    data = numpy_format.save(tensors, {"data_scaling": json.dumps(header)})
    with write_whole(path) as temporary:
        temporary.write_bytes(data)


def load_model(
    path: str | os.PathLike[str],
) -> tuple[AmortizedModel, dict[str, Any]]:
    """Return a model and the settings it was trained with.

    Raises
    ------
    InputError
        If the file is no file of a model, is damaged, or is of another version.
    FileNotFoundError
        If there is no such file.
    """
    safetensors = require_extra("safetensors", "torch")
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}. Check the path.")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})["data_scaling"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        _check_header(header, path)
        return _build(header, tensors), header["settings"]
    except InputError:
        raise
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no file of an amortized model, or is damaged ({error!r}). Give "
            "a file that AmortizedEstimator.save wrote."
        ) from error


def _check_header(header: dict[str, Any], path: str | os.PathLike[str]) -> None:
    if header["format"] != FORMAT or header["version"] != VERSION:
        raise InputError(
            f"{path} holds {header['format']!r}, version {header['version']}, but this "
            f"program reads {FORMAT!r}, version {VERSION}. Update data-scaling, or "
            "train the model anew."
        )
    if header["method"] not in METHODS:
        raise InputError(
            f"{path} holds a model of the method {header['method']!r}, but this "
            f"version knows {', '.join(METHODS)}. Update data-scaling."
        )


def _build(header: dict[str, Any], tensors: dict[str, Any]) -> AmortizedModel:
    target_mean, target_scale = header["target"]
    encoding = Encoding(
        feature_names=tuple(header["feature_names"]),
        classes=tuple(header["classes"]),
        mean=tensors["encoding.mean"],
        scale=tensors["encoding.scale"],
        target_mean=target_mean,
        target_scale=target_scale,
    )
    prefixes = [f"member{j}." for j in range(header["n_members"])]
    return AmortizedModel(
        method=header["method"],
        encoding=encoding,
        members=tuple(
            {
                name.removeprefix(prefix): array
                for name, array in tensors.items()
                if name.startswith(prefix)
            }
            for prefix in prefixes
        ),
        hidden=tuple(header["hidden"]),
        powers=np.array(header["powers"]),
        base=header["base"],
        unit=header["unit"],
        probes=_build_probes(header, tensors),
        is_detailed=header["is_detailed"],
        plain=_build_plain(header, tensors),
        numbers=tensors["mixture.numbers"],
        weights=tensors["mixture.weights"],
    )


def _build_probes(header: dict[str, Any], tensors: dict[str, Any]) -> Probes | None:
    if header["probes"] is None:
        return None
    arrays = {name: tensors[f"probes.{name}"] for name in _PROBES}
    return Probes(n_classes=len(header["classes"]), base=header["probes"], **arrays)


def _describe_plain(
    learned: LearnedLaws,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what to write of plain laws: for the header, and as tensors."""
    laws: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for i, (law, prior) in enumerate(
        zip(learned.choice.laws, learned.priors, strict=True)
    ):
        known = {name: getattr(prior, name) for name in _SCALARS}
        laws.append({"law": asdict(law), "models": prior.models, "prior": known})
        arrays |= {f"plain{i}.{name}": getattr(prior, name) for name in _GRID}
        arrays |= {f"plain{i}.sigma{j}": each for j, each in enumerate(prior.sigmas)}
    choice = {name: getattr(learned.choice, name) for name in _CHOICE}
    return {"choice": choice, "laws": laws}, arrays


def _build_plain(header: dict[str, Any], tensors: dict[str, Any]) -> LearnedLaws | None:
    plain = header["plain"]
    if plain is None:
        return None
    laws, priors = [], []
    for i, told in enumerate(plain["laws"]):
        law = told["law"]
        laws.append(Law(**(law | {"models": _read_models(law["models"])})))
        models = _read_models(told["models"])
        prior = Prior(
            models=models,
            sigmas=tuple(tensors[f"plain{i}.sigma{j}"] for j in range(len(models))),
            **{name: tensors[f"plain{i}.{name}"] for name in _GRID},
            **told["prior"],
        )
        priors.append(prior)
    return LearnedLaws(Choice(tuple(laws), **plain["choice"]), tuple(priors))


def _read_models(models: list[list[float]]) -> tuple[Powers, ...]:
    return tuple(tuple(powers) for powers in models)
