"""Prepare a dataset: the features and the split that all other scripts work on.

The paper's datasets are MiniBooNE, adult, wave_energy, cifar10, bbc, imdb, lm_reg and
lm_clf. Texts and images are embedded by a pretrained encoder (DistilBERT, ResNet-50) as
in the paper, or without one by ``--features tfidf`` (texts) and ``--features pixels``
(images).
"""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.cli.preprocess import describe_dataset
from options import add, make_parser, read_original
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__, model=False)
    add(parser, "features", choices=["embed", "tfidf", "pixels"], help="see above")
    add(parser, "encoder", help="name of an encoder, or a folder with one")
    add(parser, "device", help="where the encoder runs; a GPU if there is one")
    args = parser.parse_args(argv)
    asked = {"features": args.features, "model": args.encoder, "device": args.device}
    choices = {name: choice for name, choice in asked.items() if choice}
    data = read_original(args.dataset, args.data_dir, seed=args.seed, **choices)
    folder = ds.save_dataset(data, Paths.of(args).prepared)
    print(describe_dataset(data))
    print(f"written to {folder}")


if __name__ == "__main__":
    main()
