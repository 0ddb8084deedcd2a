"""Options of ``data-scaling preprocess`` that no other verb has."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

TextColumn: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Column of texts; may be given repeatedly."),
]
ImageColumn: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Column of paths of images; may be given repeatedly."),
]
RowId: TypeAlias = Annotated[
    str | None, typer.Option(help="Column that identifies the rows.")
]
SplitColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Column that says train, validation or test."),
]
ValSize: TypeAlias = Annotated[
    float | None,
    typer.Option(help="Share, or number, of validation rows. [default: 0.2]"),
]
TestSize: TypeAlias = Annotated[
    float | None,
    typer.Option(help="Share, or number, of test rows. [default: 0.2]"),
]
Task: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="classification or regression. [default: by the target's values]"
    ),
]
Separator: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="What separates the fields of a file, as ';' or tab. "
        "[default: a comma; tab in a .tsv file]"
    ),
]
Features: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="How texts and images become features: embed (a pretrained encoder; "
        "extra embed), tfidf (texts), pixels (images) or tfidf+pixels (a table of "
        "both). [default: embed]"
    ),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Encoder: a name on the Hugging Face hub, or a local folder. "
        "[default: DistilBERT for texts, ResNet-50 for images]"
    ),
]
Device: TypeAlias = Annotated[
    str | None, typer.Option(help="Where the encoder runs. [default: GPU, or cpu]")
]
SplitSeed: TypeAlias = Annotated[int, typer.Option(help="Seed of the split.")]
PreparedFolder: TypeAlias = Annotated[
    Path | None, typer.Option(help="Folder to write to. [default: prepared/NAME]")
]
