"""How texts and images become features: the choice, and the reduction that follows.

Everything that is estimated (vocabulary, weights of words, principal components) is
estimated on the training part alone. The paper fits its principal components on all
rows, the test part included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from data_scaling._checks import check_at_least
from data_scaling._typing import FloatArray, IntArray
from data_scaling.datasets.embedding import embed_images, embed_texts
from data_scaling.datasets.images import ImageSource, read_pixels
from data_scaling.errors import DatasetError, InputError

FeatureKind: TypeAlias = Literal["embed", "tfidf", "pixels", "tfidf+pixels"]
_WITHOUT_ENCODER = {"texts": "tfidf", "images": "pixels"}

TEXT_MODEL = "distilbert/distilbert-base-uncased"
IMAGE_MODEL = "microsoft/resnet-50"
N_COMPONENTS = 256
_MIN_DOCUMENTS = 2


@dataclass(frozen=True)
class FeatureOptions:
    """How texts and images become features.

    Parameters
    ----------
    kind : {"embed", "tfidf", "pixels", "tfidf+pixels"} or None
        ``embed`` for a neural encoder (extra ``embed``), ``tfidf`` for texts and
        ``pixels`` for images without one, ``tfidf+pixels`` for a table with both. None
        means ``embed``, as in the paper.
    model : str, optional
        Name on the Hugging Face hub, or a local folder, of the encoder; DistilBERT
        for texts and ResNet-50 for images by default.
    n_components : int
        Principal components (or singular vectors) that are kept, at most.
    device : str, optional
        Where the encoder runs, as torch names it; a GPU if there is one by default.
    batch_size : int
        Items that are encoded at a time.

    Raises
    ------
    InputError
        If the kind is unknown, a number is below 1, or a model is named without
        ``embed``.
    """

    kind: FeatureKind | None = None
    model: str | None = None
    n_components: int = N_COMPONENTS
    device: str | None = None
    batch_size: int = 32

    def __post_init__(self) -> None:
        kinds = get_args(FeatureKind)
        if self.kind not in (None, *kinds):
            known = ", ".join(kinds)
            raise InputError(f"features is {self.kind!r}. Give one of {known}.")
        if self.model and self.kind not in (None, "embed"):
            raise InputError(
                f"The model {self.model!r} was named with features={self.kind!r}, "
                "which uses none. Leave one of them out."
            )
        check_at_least("n_components", self.n_components, 1)
        check_at_least("batch_size", self.batch_size, 1)

    def find_kind(self, what: Literal["texts", "images"]) -> str:
        """Return how texts, or images, become features: ``embed`` or without one.

        Raises
        ------
        InputError
            If the kind is for the other of the two alone.
        """
        kinds = (self.kind or "embed").split("+")
        own = _WITHOUT_ENCODER[what]
        found = next((kind for kind in kinds if kind in ("embed", own)), None)
        if found is None:
            other = "images" if what == "texts" else "texts"
            raise InputError(
                f"features={self.kind!r} is for {other}, but there are {what}. Give "
                f"{own!r}, 'embed', or 'tfidf+pixels' where there are both."
            )
        return found


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """Features of texts or images, and how they were made.

    Attributes
    ----------
    values : (n_items, n_components) float64 array
        Features of all items.
    description : dict
        How they were made, for the provenance of a dataset.
    """

    values: FloatArray
    description: dict[str, Any]


def make_text_features(
    texts: Sequence[str], train: IntArray, options: FeatureOptions, seed: int
) -> ItemFeatures:
    """Turn texts into features, fitted on the training part.

    Parameters
    ----------
    texts : sequence of (n_texts,) str
        Texts of all parts. An empty one is kept: it has no words, or only the tokens
        that an encoder adds.
    train : (n_train,) intp array
        Which of them belong to the training part.
    options : FeatureOptions
        Kind, encoder and number of components.
    seed : int
        Seed of the randomised singular value decomposition of ``tfidf``.

    Raises
    ------
    InputError
        If the kind is for images.
    DatasetError
        If the training texts have no words, or the encoder cannot be loaded.
    MissingExtraError
        If an encoder is asked for without the extra ``embed``.
    """
    kind = options.find_kind("texts")
    if kind == "tfidf":
        return _weigh_words(texts, train, options.n_components, seed)
    vectors, encoder = embed_texts(
        texts,
        options.model or TEXT_MODEL,
        device=options.device,
        batch_size=options.batch_size,
    )
    values, n_kept = reduce_to_components(vectors, train, options.n_components)
    return ItemFeatures(values, {"kind": "embed", **encoder, "components": n_kept})


def make_image_features(
    images: Sequence[ImageSource],
    train: IntArray,
    options: FeatureOptions,
    *,
    called: str = "Image",
) -> ItemFeatures:
    """Turn images into features; as :func:`make_text_features` does texts.

    An error calls an image ``called`` and its number.
    """
    if options.find_kind("images") == "pixels":
        pixels = read_pixels(images, called=called)
        values, n_kept = reduce_to_components(pixels, train, options.n_components)
        return ItemFeatures(values, {"kind": "pixels", "components": n_kept})
    vectors, encoder = embed_images(
        images,
        options.model or IMAGE_MODEL,
        device=options.device,
        batch_size=options.batch_size,
        called=called,
    )
    values, n_kept = reduce_to_components(vectors, train, options.n_components)
    return ItemFeatures(values, {"kind": "embed", **encoder, "components": n_kept})


def reduce_to_components(
    vectors: np.ndarray[Any, Any], train: IntArray, n_components: int
) -> tuple[FloatArray, int]:
    """Project vectors on the principal components of the training part.

    Parameters
    ----------
    vectors : (n_rows, n_columns) float array
        Vectors of all parts.
    train : (n_train,) intp array
        Rows that the mean and the components are estimated from.
    n_components : int
        Components to keep; fewer if there are fewer columns or training rows.

    Returns
    -------
    values : (n_rows, n_kept) float64 array
        Projections, in the units of the vectors: components are not rescaled.
    n_kept : int
        Number of components kept.
    """
    n_kept = min(n_components, vectors.shape[1], len(train) - 1)
    if n_kept < 1:
        raise DatasetError(
            f"{len(train)} training rows have no principal component. Give more rows."
        )
    # Both are deterministic; each is the faster one for its shape.
    solver = "covariance_eigh" if len(train) > vectors.shape[1] else "full"
    pca = PCA(n_kept, svd_solver=solver).fit(vectors[train])
    values: FloatArray = pca.transform(vectors).astype(np.float64)
    return values, n_kept


def _weigh_words(
    texts: Sequence[str], train: IntArray, n_components: int, seed: int
) -> ItemFeatures:
    """Latent semantic analysis: TF-IDF of words, and its leading singular vectors.

    The values are scaled by one number, so that features have mean square 1 over the
    training part: rows of TF-IDF have length 1, and a penalty of usual strength would
    hold back a model of such small features.
    """
    min_documents = min(_MIN_DOCUMENTS, len(train))
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=min_documents)
    try:
        weights = vectorizer.fit_transform([texts[row] for row in train])
    except ValueError as error:
        raise DatasetError(
            f"The {len(train)} training texts have no words in common ({error}). Give "
            "texts with words."
        ) from error
    n_kept = min(n_components, min(weights.shape) - 1)
    if n_kept < 1:
        raise DatasetError(
            f"The {len(train)} training texts have only {weights.shape[1]} words in "
            "common. Give more or longer texts."
        )
    svd = TruncatedSVD(n_kept, n_iter=4, random_state=seed).fit(weights)
    values: FloatArray = svd.transform(vectorizer.transform(texts))
    values /= np.sqrt(np.mean(values[train] ** 2))
    words = len(vectorizer.vocabulary_)
    return ItemFeatures(values, {"kind": "tfidf", "words": words, "components": n_kept})
