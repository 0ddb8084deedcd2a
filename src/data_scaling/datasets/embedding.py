"""Vectors of texts and images from a pretrained encoder, each made once.

An item's vector is kept by its content and by the encoder's weights. Items are sorted
by length and encoded in fixed batches, so that little is padding and so that
interrupted work, resumed, ends with the same bits.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from data_scaling._progress import open_bar
from data_scaling.datasets.embedding_cache import EmbeddingCache, open_cache
from data_scaling.datasets.encoders import load_image_encoder, load_text_encoder
from data_scaling.datasets.images import ImageSource, read_content
from data_scaling.datasets.sources import find_cache_dir

Item = TypeVar("Item", contravariant=True)
_KEY_BYTES = 16


class Encoder(Protocol[Item]):
    """What turns items into vectors."""

    @property
    def identity(self) -> str:
        """Digest of all that a vector depends on, beside the item."""

    @property
    def unit(self) -> str:
        """What an item is called in the progress bar."""

    def measure(self, items: Sequence[Item]) -> list[int]:
        """Return a length per item, by which they are sorted."""

    def encode(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Return the vectors of a batch, (n_items, width)."""


def embed_texts(
    texts: Sequence[str], model: str, *, device: str | None = None, batch_size: int = 32
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the encoder's vectors of texts, means over the tokens that are no padding.

    Parameters
    ----------
    texts : sequence of (n_texts,) str
        Texts; what is longer than the encoder reads is cut off.
    model : str
        Name on the Hugging Face hub, or a local folder.
    device : str, optional
        Where it runs; a GPU if there is one by default.
    batch_size : int
        Texts that are encoded at a time.

    Returns
    -------
    vectors : (n_texts, width) float32 array
        One vector per text.
    description : dict
        The encoder, for the provenance of a dataset.

    Raises
    ------
    DatasetError
        If the encoder cannot be loaded, or the cache not be used.
    MissingExtraError
        If torch or transformers is not installed (the extra ``embed``).
    """
    encoder = load_text_encoder(model, device)
    keys = [_make_key(text.encode("utf-8", "surrogatepass")) for text in texts]
    vectors = _embed(texts, keys, encoder, batch_size)
    return vectors, {
        "model": model,
        "weights": encoder.identity,
        "pooling": "mean over the tokens that are no padding",
        "max_tokens": encoder.max_tokens,
    }


def embed_images(
    images: Sequence[ImageSource],
    model: str,
    *,
    device: str | None = None,
    batch_size: int = 32,
    called: str = "Image",
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the encoder's pooled vectors of images; as :func:`embed_texts`.

    An error calls an image ``called`` and its number.
    """
    encoder = load_image_encoder(model, device)
    named = [(image, f"{called} {row}") for row, image in enumerate(images)]
    keys = [_make_key(read_content(image, name)) for image, name in named]
    vectors = _embed(named, keys, encoder, batch_size)
    return vectors, {"model": model, "weights": encoder.identity}


def _make_key(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_KEY_BYTES]


def _embed(
    items: Sequence[Any], keys: list[bytes], encoder: Encoder[Any], batch_size: int
) -> NDArray[np.float32]:
    path = find_cache_dir() / "embeddings" / f"{encoder.identity}.sqlite"
    first_places = {key: place for place, key in reversed(list(enumerate(keys)))}
    with open_cache(path) as cache:
        found = cache.read(list(first_places))
        if len(found) < len(first_places):
            unique = {key: items[place] for key, place in first_places.items()}
            _fill(cache, unique, set(found), encoder, batch_size)
            found = cache.read(list(first_places))
    return np.stack([found[key] for key in keys])


def _fill(
    cache: EmbeddingCache,
    items: dict[bytes, Any],
    known: set[bytes],
    encoder: Encoder[Any],
    batch_size: int,
) -> None:
    """Encode every batch that is not wholly known, the longest items first.

    The batches depend on the items alone and not on what is known: vectors differ in
    the last bits with the padding of their batch. The longest come first so that a
    batch which is too large for the memory fails at once.
    """
    lengths = encoder.measure(list(items.values()))
    by_length = dict(zip(items, lengths, strict=True))
    ordered = sorted(items, key=lambda key: (-by_length[key], key))
    with open_bar(len(known), len(items), wanted=True, unit=encoder.unit) as bar:
        for start in range(0, len(ordered), batch_size):
            batch = ordered[start : start + batch_size]
            if known.issuperset(batch):
                continue
            cache.write(batch, encoder.encode([items[key] for key in batch]))
            bar.update(sum(key not in known for key in batch))
