"""Merge the ledgers that parallel jobs have drawn (``--shard``) into one."""

from collections.abc import Sequence

import data_scaling as ds
from options import add, make_parser
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "kind", default="fit", help="name of the ledgers")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    shards = paths.shards(args.kind)
    if not shards:
        parser.error(f"{paths.folder} holds no shards of {args.kind}.ledger")
    summary = ds.combine_ledgers(paths.ledger(args.kind), shards)
    print(f"{summary.path}: {summary.n_drawn:,} draws of {len(shards)} shards")


if __name__ == "__main__":
    main()
