"""A plugin that ends the program when it is imported."""

from __future__ import annotations

raise SystemExit("this plugin needs a licence")
