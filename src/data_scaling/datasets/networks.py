"""Pretrained networks by Hugging Face (extra ``embed``), loaded and run."""

import hashlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from data_scaling._checks import require_extra
from data_scaling.datasets.preview import shorten
from data_scaling.errors import DatasetError

Companion: TypeAlias = Literal["AutoTokenizer", "AutoImageProcessor"]
"""What prepares the inputs of a network: of texts, or of images."""

_HUB_SECONDS = 5.0
"""How long the hub may take to answer before it counts as out of reach."""

_TOWERS = {"AutoTokenizer": "text_model", "AutoImageProcessor": "vision_model"}
"""The part of a network of texts and images (as CLIP) that reads one of them."""

_INSTEAD = {"AutoTokenizer": "tfidf", "AutoImageProcessor": "pixels"}
_POOLER = "pooler."
_COUNTER = "num_batches_tracked"  # no output depends on it


@dataclass(frozen=True, eq=False)
class Network:
    """A pretrained network on its device.

    Attributes
    ----------
    model : transformers.PreTrainedModel
        The network.
    device : str
        Where it runs.
    has_pooler : bool
        Whether the weights of its pooler are trained. A checkpoint that was made for
        another task has none, and they are random then.
    """

    model: Any
    device: str
    has_pooler: bool = True

    def run(self, inputs: dict[str, Any]) -> Any:
        """Return the outputs for a batch of tensors, without gradients."""
        torch = require_extra("torch", "embed")
        placed = {name: tensor.to(self.device) for name, tensor in inputs.items()}
        with torch.inference_mode():
            return self.model(**placed)

    def digest(self, settings: str) -> str:
        """Return a digest of weights, architecture and settings, 32 characters.

        Random weights of a pooler, which no vector depends on, do not enter.
        """
        torch = require_extra("torch", "embed")
        kind = type(self.model).__name__
        digest = hashlib.sha256(f"{kind} {settings}".encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            if _POOLER in name and not self.has_pooler:
                continue
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(content.numpy().data)
        return digest.hexdigest()[:32]


def load_network(
    model: str, device: str | None, companion: Companion
) -> tuple[Network, Any]:
    """Return a network without its head, and what prepares its inputs.

    Of a network that also writes, as T5, only the part that reads is returned; of one
    for texts and images, as CLIP, the part for what the companion prepares.

    Parameters
    ----------
    model : str
        Name on the Hugging Face hub, or a local folder.
    device : str or None
        Where it runs; None means a GPU if there is one.
    companion : {"AutoTokenizer", "AutoImageProcessor"}
        What prepares its inputs.

    Raises
    ------
    DatasetError
        If one of the two cannot be loaded, a weight is missing, or the device is not
        there.
    MissingExtraError
        If torch or transformers is not installed (the extra ``embed``).
    """
    torch = require_extra("torch", "embed")
    transformers = require_extra("transformers", "embed")
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    obstacle, instead = _find_obstacle(model), _INSTEAD[companion]
    loaded, report = _load_part(
        transformers.AutoModel, model, obstacle, instead, output_loading_info=True
    )
    prepares_inputs = _load_part(
        getattr(transformers, companion), model, obstacle, instead
    )
    has_pooler = _check_weights(model, report["missing_keys"])
    if loaded.config.is_encoder_decoder:
        loaded = loaded.get_encoder()
    elif {"text_config", "vision_config"} <= set(loaded.config.to_dict()):
        loaded = getattr(loaded, _TOWERS[companion], loaded)
    try:
        placed = loaded.to(dtype=torch.float32, device=chosen).eval()
    except (RuntimeError, AssertionError) as error:
        raise DatasetError(
            f"The encoder was to run on {chosen!r}, which is not there ({error}). Name "
            "another device, as cpu or cuda."
        ) from error
    return Network(placed, chosen, has_pooler), prepares_inputs


def _check_weights(model: str, missing: Collection[str]) -> bool:
    """Return whether the pooler is trained; no other weight may be missing.

    What a checkpoint lacks is filled with random numbers.
    """
    random = sorted(name for name in missing if not name.endswith(_COUNTER))
    lacking = [name for name in random if _POOLER not in name]
    if lacking:
        raise DatasetError(
            f"The encoder {model!r} lacks {len(lacking)} of its weights, such as "
            f"{lacking[0]!r}, which would be random numbers. Name another model, or "
            "get this one again."
        )
    return not random


def _find_obstacle(model: str) -> str:
    """Return why the hub cannot be reached, or nothing.

    Its own client asks six times for every file, with growing pauses in between. What
    it stored before is still read.
    """
    hub = require_extra("huggingface_hub.constants", "embed")
    if Path(model).is_dir() or hub.HF_HUB_OFFLINE:
        return ""
    asked = urllib.request.Request(hub.ENDPOINT, method="HEAD")  # noqa: S310
    try:
        urllib.request.urlopen(asked, timeout=_HUB_SECONDS).close()  # noqa: S310
    except urllib.error.URLError as error:
        # An answer is none, and the client may know certificates that Python does not.
        is_answer = isinstance(error, urllib.error.HTTPError)
        if not is_answer and not isinstance(error.reason, ssl.SSLError):
            return f"{hub.ENDPOINT} cannot be reached: {error.reason}"
    except ConnectionError as error:
        return f"{hub.ENDPOINT} cannot be reached: {error}"
    except TimeoutError:
        return f"{hub.ENDPOINT} did not answer in {_HUB_SECONDS:.0f} seconds"
    return ""


def _load_part(kind: Any, model: str, obstacle: str, instead: str, **how: bool) -> Any:
    try:
        return kind.from_pretrained(model, local_files_only=bool(obstacle), **how)
    except (OSError, ValueError, KeyError) as error:
        reason = obstacle or shorten(str(error), 200)
        raise DatasetError(
            f"The encoder {model!r} cannot be loaded ({reason}). Name a model of the "
            "Hugging Face hub, or a folder with one (--model FOLDER, which 'hf "
            f"download {model} --local-dir FOLDER' writes where there is a network), "
            f"or do without by features={instead!r} (--features {instead})."
        ) from error
