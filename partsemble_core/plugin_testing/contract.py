"""The suite that every backend passes. A plugin's test file inherits it and gives one fixture:

class TestMyBackend(BackendContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return MyHarness()
"""

from __future__ import annotations

from partsemble_core.plugin_testing.contract_batches import BatchContract
from partsemble_core.plugin_testing.contract_contacts import ContactsContract
from partsemble_core.plugin_testing.contract_posting import DoubtContract, PostingContract
from partsemble_core.plugin_testing.contract_reading import ReadingContract
from partsemble_core.plugin_testing.contract_sales import SalesContract


class BackendContract(ReadingContract, ContactsContract, SalesContract, PostingContract, DoubtContract, BatchContract):
    """To be inherited by a class whose name begins with Test, and whose fixture ``harness`` is a Harness."""
