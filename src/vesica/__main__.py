"""``python -m vesica``."""

from vesica.cli.main import main

main()
