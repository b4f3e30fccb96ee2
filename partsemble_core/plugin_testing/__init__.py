"""For plugin authors' tests: a contract suite to inherit, and stand-ins for what the core gives a plugin."""

from __future__ import annotations

import pytest

for _name in ("contract_reading", "contract_posting", "contract_contacts", "contract_sales", "contract_batches"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")  # so that a failing assert shows its values
