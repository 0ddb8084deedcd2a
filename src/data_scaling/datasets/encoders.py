"""Texts and images as vectors, by pretrained networks of Hugging Face."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling.datasets.images import ImageSource, read_image
from data_scaling.datasets.networks import Network, load_network

_LONGEST_TEXT = 512
"""Tokens of a text that are read, unless the encoder reads fewer."""


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
        if tokenizer.pad_token is None:  # any will do: padding is masked
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        tokenizer.padding_side = "right"  # positions count from the left
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
        """Return the mean token vectors of a batch, (n_texts, width).

        A text without tokens, not even those that most encoders add, is all zeros.
        """
        cut = self._tokenise(texts)
        has_tokens = np.array([len(ids) > 0 for ids in cut["input_ids"]])
        if not has_tokens.all():
            width = self._network.model.config.hidden_size
            vectors = np.zeros((len(texts), width), dtype=np.float32)
            if has_tokens.any():
                rows = np.flatnonzero(has_tokens).tolist()
                vectors[rows] = self.encode([texts[row] for row in rows])
            return vectors
        tokens = self._tokenizer.pad(cut, return_tensors="pt", padding=True)
        states = self._network.run(dict(tokens)).last_hidden_state
        is_token = tokens["attention_mask"].unsqueeze(-1).to(states)
        return _to_numpy((states * is_token).sum(dim=1) / is_token.sum(dim=1))

    def _tokenise(self, texts: Sequence[str]) -> Any:
        return self._tokenizer(list(texts), truncation=True, max_length=self.max_tokens)


class ImageEncoder:
    """Pooled output of a vision model, or the mean of its last hidden states.

    The mean is taken where the model has no pooler, or one without trained weights.

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
        pooling = "pooled" if network.has_pooler else "mean of patches"
        self.identity = network.digest(f"{pooling}, {processor.to_json_string()}")

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
        if pooled is None or not self._network.has_pooler:
            pooled = output.last_hidden_state.mean(dim=1)
        return _to_numpy(pooled.flatten(1))


def load_text_encoder(model: str, device: str | None) -> TextEncoder:
    """Load an encoder of texts and its tokenizer, from the hub or a local folder.

    Raises
    ------
    DatasetError
        If one of them cannot be loaded, a weight is missing, or the device is not
        there.
    MissingExtraError
        If torch or transformers is not installed (the extra ``embed``).
    """
    return TextEncoder(*load_network(model, device, "AutoTokenizer"))


def load_image_encoder(model: str, device: str | None) -> ImageEncoder:
    """Load an encoder of images and its processor; as :func:`load_text_encoder`."""
    return ImageEncoder(*load_network(model, device, "AutoImageProcessor"))


def _to_numpy(vectors: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vectors.float().cpu().numpy()
    return array
