"""`python -m slaopt` is the same as `slaopt`."""

from slaopt.cli import main

main()
