"""Pretrained encoders of texts and images, by Hugging Face (extra ``embed``)."""

import hashlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling.datasets.images import ImageSource, read_image
from data_scaling.errors import DatasetError

_LONGEST_TEXT = 512
"""Tokens of a text that are read, unless the encoder reads fewer."""

_HUB_SECONDS = 5.0
"""How long the hub may take to answer before it counts as out of reach."""


@dataclass(frozen=True, eq=False)
class Network:
    """A pretrained network on its device.

    Attributes
    ----------
    model : transformers.PreTrainedModel
        The network.
    device : str
        Where it runs.
    """

    model: Any
    device: str

    def run(self, inputs: dict[str, Any]) -> Any:
        """Return the outputs for a batch of tensors, without gradients."""
        torch = require_extra("torch", "embed")
        placed = {name: tensor.to(self.device) for name, tensor in inputs.items()}
        with torch.inference_mode():
            return self.model(**placed)

    def digest(self, settings: str) -> str:
        """Return a digest of weights, architecture and settings, 32 characters."""
        torch = require_extra("torch", "embed")
        kind = type(self.model).__name__
        digest = hashlib.sha256(f"{kind} {settings}".encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(content.numpy().data)
        return digest.hexdigest()[:32]


class TextEncoder:
    """Mean of the last hidden states over the tokens that are no padding.

    Parameters
    ----------
    network : Network
        The encoder.
    tokenizer : transformers tokenizer
        What cuts texts for it.
    """

    unit = "text"

    def __init__(self, network: Network, tokenizer: Any) -> None:
        self._network = network
        self._tokenizer = tokenizer
        config = network.model.config
        positions = getattr(config, "max_position_embeddings", _LONGEST_TEXT)
        self.max_tokens = min(_LONGEST_TEXT, tokenizer.model_max_length, positions)
        vocabulary = sorted(tokenizer.get_vocab().items())
        self.identity = network.digest(
            f"mean of tokens, {self.max_tokens}, {vocabulary}"
        )

    def measure(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(ids) for ids in self._tokenise(texts)["input_ids"]]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean token vectors of a batch, (n_texts, width)."""
        tokens = self._tokenizer.pad(
            self._tokenise(texts), return_tensors="pt", padding=True
        )
        states = self._network.run(dict(tokens)).last_hidden_state
        is_token = tokens["attention_mask"].unsqueeze(-1).to(states)
        return _to_numpy((states * is_token).sum(dim=1) / is_token.sum(dim=1))

    def _tokenise(self, texts: Sequence[str]) -> Any:
        return self._tokenizer(list(texts), truncation=True, max_length=self.max_tokens)


class ImageEncoder:
    """Pooled output of a vision model, or the mean of its last hidden states.

    Parameters
    ----------
    network : Network
        The encoder.
    processor : transformers image processor
        What scales images for it.
    """

    unit = "image"

    def __init__(self, network: Network, processor: Any) -> None:
        self._network = network
        self._processor = processor
        self.identity = network.digest(f"pooled, {processor.to_json_string()}")

    def measure(self, images: Sequence[tuple[ImageSource, str]]) -> list[int]:
        """Return the same length for all: images are scaled to one size."""
        return [0] * len(images)

    def encode(self, images: Sequence[tuple[ImageSource, str]]) -> NDArray[np.float32]:
        """Return the pooled vectors of a batch, (n_images, width).

        Each image comes with the name that an error calls it by.
        """
        decoded = [read_image(image, name) for image, name in images]
        pixels = self._processor(images=decoded, return_tensors="pt")["pixel_values"]
        output = self._network.run({"pixel_values": pixels})
        pooled = getattr(output, "pooler_output", None)
        if pooled is None:
            pooled = output.last_hidden_state.mean(dim=1)
        return _to_numpy(pooled.flatten(1))


def load_text_encoder(model: str, device: str | None) -> TextEncoder:
    """Load an encoder of texts and its tokenizer, from the hub or a local folder.

    Raises
    ------
    DatasetError
        If one of them cannot be loaded, or the device is not there.
    MissingExtraError
        If torch or transformers is not installed (the extra ``embed``).
    """
    return TextEncoder(*_load(model, device, "AutoTokenizer", "tfidf"))


def load_image_encoder(model: str, device: str | None) -> ImageEncoder:
    """Load an encoder of images and its processor; as :func:`load_text_encoder`."""
    return ImageEncoder(*_load(model, device, "AutoImageProcessor", "pixels"))


def _load(
    model: str, device: str | None, companion: str, instead: str
) -> tuple[Network, Any]:
    """Return a network, and what prepares its inputs."""
    torch = require_extra("torch", "embed")
    transformers = require_extra("transformers", "embed")
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    obstacle = _find_obstacle(model)
    loaded, prepares_inputs = (
        _load_part(getattr(transformers, kind), model, obstacle, instead)
        for kind in ("AutoModel", companion)
    )
    if loaded.config.is_encoder_decoder:
        loaded = loaded.get_encoder()
    try:
        placed = loaded.to(dtype=torch.float32, device=chosen).eval()
    except (RuntimeError, AssertionError) as error:
        raise DatasetError(
            f"The encoder was to run on {chosen!r}, which is not there ({error}). Name "
            "another device, as cpu or cuda."
        ) from error
    return Network(placed, chosen), prepares_inputs


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


def _load_part(kind: Any, model: str, obstacle: str, instead: str) -> Any:
    try:
        return kind.from_pretrained(model, local_files_only=bool(obstacle))
    except (OSError, ValueError, KeyError) as error:
        reason = obstacle or " ".join(str(error).split())[:200]
        raise DatasetError(
            f"The encoder {model!r} cannot be loaded ({reason}). Name a model of the "
            "Hugging Face hub, or a folder with one, or do without by "
            f"features={instead!r} (--features {instead})."
        ) from error


def _to_numpy(vectors: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vectors.float().cpu().numpy()
    return array
