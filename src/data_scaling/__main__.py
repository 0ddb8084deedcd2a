"""``python -m data_scaling`` is the command ``data-scaling``."""

from data_scaling.cli import main

if __name__ == "__main__":
    main()
