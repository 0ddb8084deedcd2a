"""Encoders of other kinds than the paper's, tiny and of random weights."""

import json

import numpy as np
import pytest

from data_scaling.datasets import read_table
from data_scaling.datasets.embedding import embed_images, embed_texts
from data_scaling.datasets.encoders import (
    TextEncoder,
    load_image_encoder,
    load_text_encoder,
)
from data_scaling.errors import DatasetError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

WORDS = "[PAD] [UNK] [END] good bad long film".split()
SIZES = {
    "vocab_size": len(WORDS),
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
PATCHES = {**SIZES, "image_size": 32, "patch_size": 16}
ENDS = {"bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 0}
IMAGES = list(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embeddings"


def save(model, folder, *, side="right", **marks):
    """Save a model with a tokenizer of words and a processor of images."""
    special = {f"{use}_token": word for use, word in {"unk": "[UNK]", **marks}.items()}
    model.save_pretrained(folder)
    ids = {word: i for i, word in enumerate(WORDS)}
    unknown = {"unk_token": special["unk_token"]}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, **unknown))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, padding_side=side, model_max_length=10, **special
    ).save_pretrained(folder)
    record = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": 32, "width": 32},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(record))
    return str(folder)


@pytest.fixture
def masked(tmp_path):
    """A RoBERTa saved with the head that it was trained with, and so no pooler."""
    torch.manual_seed(0)
    config = transformers.RobertaConfig(
        **SIZES, max_position_embeddings=20, pad_token_id=0
    )
    model = transformers.RobertaForMaskedLM(config)
    return save(model, tmp_path / "masked", pad="[PAD]")


@pytest.fixture
def classifier(tmp_path):
    """A ViT saved as a classifier, as most are: without a pooler."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(**PATCHES)
    return save(transformers.ViTForImageClassification(config), tmp_path / "vit")


def test_a_text_encoder_without_trained_pooler_finds_its_vectors(masked, monkeypatch):
    first, description = embed_texts(["good film", "bad"], masked)

    def fail(*_):
        raise AssertionError("encoded again")

    monkeypatch.setattr(TextEncoder, "encode", fail)
    again, same = embed_texts(["good film", "bad"], masked)
    assert np.array_equal(again, first)
    assert same["weights"] == description["weights"]


def test_an_image_encoder_without_trained_pooler_gives_no_random_vectors(classifier):
    first = load_image_encoder(classifier, "cpu")
    again = load_image_encoder(classifier, "cpu")
    named = [(image, "image") for image in IMAGES]

    assert first.identity == again.identity
    vectors = first.encode(named)
    assert np.array_equal(vectors, again.encode(named))
    model = transformers.ViTForImageClassification.from_pretrained(classifier)
    pixels = np.stack(IMAGES).transpose(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        states = model.eval().vit(torch.tensor(pixels, dtype=torch.float32))[0]
    np.testing.assert_allclose(vectors, states.mean(dim=1), atol=1e-5)


def test_an_encoder_that_lacks_weights_is_refused(tmp_path):
    config = transformers.RobertaConfig(**SIZES, pad_token_id=0)
    model = transformers.RobertaModel(config)
    folder = save(model, tmp_path / "deeper", pad="[PAD]")
    record = tmp_path / "deeper" / "config.json"
    deeper = json.loads(record.read_text()) | {"num_hidden_layers": 2}
    record.write_text(json.dumps(deeper))

    with pytest.raises(DatasetError, match=r"lacks 16 of its weights, such as 'encod"):
        load_text_encoder(folder, "cpu")


def test_a_tokenizer_without_padding_pads_at_the_end_where_it_is_masked(tmp_path):
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(WORDS), n_embd=8, n_layer=1, n_head=2, n_positions=10, **ENDS
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    folder = save(model, tmp_path / "gpt", eos="[END]", side="left")
    texts = ["good film", "", "bad", "long long long film"]
    encoder = load_text_encoder(folder, "cpu")
    vectors = encoder.encode(texts)

    for text, vector in zip(texts, vectors, strict=True):
        ids = torch.tensor([[WORDS.index(word) for word in text.split()]])
        if not text:
            assert not vector.any()
            continue
        with torch.inference_mode():
            states = model.transformer(ids).last_hidden_state[0]
        np.testing.assert_allclose(vector, states.mean(dim=0), atol=1e-5)
    assert not encoder.encode(["", ""]).any()


@pytest.fixture
def clip(tmp_path):
    torch.manual_seed(0)
    words = {**SIZES, **ENDS, "max_position_embeddings": 10, "projection_dim": 8}
    config = transformers.CLIPConfig(
        text_config=words, vision_config={**PATCHES, "projection_dim": 8}
    )
    model = transformers.CLIPModel(config)
    return save(model, tmp_path / "clip", pad="[PAD]", eos="[END]")


def test_a_model_of_texts_and_images_encodes_each_by_its_own_part(clip):
    model = transformers.CLIPModel.from_pretrained(clip).eval()
    texts, _ = embed_texts(["good film"], clip)
    images, _ = embed_images(IMAGES, clip)

    with torch.inference_mode():
        ids = torch.tensor([[WORDS.index("good"), WORDS.index("film")]])
        states = model.text_model(ids).last_hidden_state[0]
        pixels = np.stack(IMAGES).transpose(0, 3, 1, 2) / 127.5 - 1
        of_images = model.vision_model(torch.tensor(pixels, dtype=torch.float32))
    np.testing.assert_allclose(texts[0], states.mean(dim=0), atol=1e-5)
    np.testing.assert_allclose(images, of_images.pooler_output, atol=1e-5)


def test_one_model_serves_texts_and_images_of_a_table(clip, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    for i in range(20):
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        image_module.fromarray(pixels).save(tmp_path / f"{i}.png")
    frame = pandas.DataFrame(
        {
            "file": [str(tmp_path / f"{i}.png") for i in range(20)],
            "said": [" ".join(rng.choice(WORDS[3:], 3)) for _ in range(20)],
            "kind": [i % 2 for i in range(20)],
        }
    )
    dataset = read_table(frame, "kind", text="said", image="file", model=clip)

    prefixes = {name.partition("_")[0] for name in dataset.feature_names}
    assert prefixes == {"said", "file"}
