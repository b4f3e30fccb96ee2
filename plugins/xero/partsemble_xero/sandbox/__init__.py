"""A small Xero on your own machine: sign-in, books and faults, over real HTTP.

Start it with ``python -m partsemble_xero.sandbox --data FILE``, or in a test with
:func:`partsemble_xero.sandbox.testing.start_sandbox`. What it speaks, and what it does not, is
written in ``docs/reference/xero-sandbox.md``.
"""
