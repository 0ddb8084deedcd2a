"""Pretrained encoders of texts and images, by Hugging Face (extra ``embed``)."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling.datasets.images import ImageSource, read_image
from data_scaling.errors import DatasetError

_LONGEST_TEXT = 512
"""Tokens of a text that are read, unless the encoder reads fewer."""


class TextEncoder:
    """Mean of the last hidden states over the tokens that are no padding.

    Parameters
    ----------
    model, tokenizer : transformers objects
        The encoder, on its device, and what cuts texts for it.
    device : str
        Device of the model.
    """

    unit = "text"

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._device = device
        positions = getattr(model.config, "max_position_embeddings", _LONGEST_TEXT)
        self.max_tokens = min(_LONGEST_TEXT, tokenizer.model_max_length, positions)
        vocabulary = sorted(tokenizer.get_vocab().items())
        self.identity = _digest_model(
            model, f"mean of tokens, {self.max_tokens}, {vocabulary}"
        )

    def measure(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(ids) for ids in self._tokenise(texts)["input_ids"]]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean token vectors of a batch, (n_texts, width)."""
        torch = require_extra("torch", "embed")
        tokens = self._tokenizer.pad(
            self._tokenise(texts), return_tensors="pt", padding=True
        ).to(self._device)
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state
            is_token = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
            mean = (states * is_token).sum(dim=1) / is_token.sum(dim=1)
        return _to_numpy(mean)

    def _tokenise(self, texts: Sequence[str]) -> Any:
        return self._tokenizer(list(texts), truncation=True, max_length=self.max_tokens)


class ImageEncoder:
    """Pooled output of a vision model, or the mean of its last hidden states.

    Parameters
    ----------
    model, processor : transformers objects
        The encoder, on its device, and what scales images for it.
    device : str
        Device of the model.
    """

    unit = "image"

    def __init__(self, model: Any, processor: Any, device: str) -> None:
        self._model = model
        self._processor = processor
        self._device = device
        self.identity = _digest_model(model, f"pooled, {processor.to_json_string()}")

    def measure(self, images: Sequence[tuple[ImageSource, str]]) -> list[int]:
        """Return the same length for all: images are scaled to one size."""
        return [0] * len(images)

    def encode(self, images: Sequence[tuple[ImageSource, str]]) -> NDArray[np.float32]:
        """Return the pooled vectors of a batch, (n_images, width).

        Each image comes with the name that an error calls it by.
        """
        torch = require_extra("torch", "embed")
        decoded = [read_image(image, name) for image, name in images]
        pixels = self._processor(images=decoded, return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            output = self._model(pixel_values=pixels.to(self._device))
            pooled = getattr(output, "pooler_output", None)
            if pooled is None:
                pooled = output.last_hidden_state.mean(dim=1)
        return _to_numpy(pooled.flatten(1))


def load_text_encoder(model: str, device: str | None) -> TextEncoder:
    """Load an encoder of texts and its tokenizer, from the hub or a local folder."""
    transformers = require_extra("transformers", "embed")
    loaded, chosen = _load_model(model, device, "tfidf")
    tokenizer = _load_part(transformers.AutoTokenizer, model, "tfidf")
    return TextEncoder(loaded, tokenizer, chosen)


def load_image_encoder(model: str, device: str | None) -> ImageEncoder:
    """Load an encoder of images and its processor, from the hub or a local folder."""
    transformers = require_extra("transformers", "embed")
    loaded, chosen = _load_model(model, device, "pixels")
    processor = _load_part(transformers.AutoImageProcessor, model, "pixels")
    return ImageEncoder(loaded, processor, chosen)


def _load_model(model: str, device: str | None, instead: str) -> tuple[Any, str]:
    torch = require_extra("torch", "embed")
    transformers = require_extra("transformers", "embed")
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    loaded = _load_part(transformers.AutoModel, model, instead)
    if loaded.config.is_encoder_decoder:
        loaded = loaded.get_encoder()
    try:
        return loaded.to(dtype=torch.float32, device=chosen).eval(), chosen
    except (RuntimeError, AssertionError) as error:
        raise DatasetError(
            f"The encoder was to run on {chosen!r}, which is not there ({error}). Name "
            "another device, as cpu or cuda."
        ) from error


def _load_part(kind: Any, model: str, instead: str) -> Any:
    try:
        return kind.from_pretrained(model)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DatasetError(
            f"The encoder {model!r} cannot be loaded ({reason}). Name a model of the "
            "Hugging Face hub, or a folder with one, or do without by "
            f"features={instead!r} (--features {instead})."
        ) from error


def _digest_model(model: Any, settings: str) -> str:
    """Return a digest of weights, architecture and settings, 32 characters."""
    torch = require_extra("torch", "embed")
    digest = hashlib.sha256(f"{type(model).__name__} {settings}".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(content.numpy().data)
    return digest.hexdigest()[:32]


def _to_numpy(vectors: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vectors.float().cpu().numpy()
    return array
