"""The chart of accounts that every organisation starts with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tax = Literal["none", "sales", "purchases"]


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One account: code (None where Xero's own has none), name, Xero's type, and what is special."""

    code: str | None
    name: str
    type: str
    tax: Tax = "none"
    system: str | None = None
    archived: bool = False
    bank_number: str | None = None


CHART = (
    ChartLine("090", "Business Bank Account", "BANK", bank_number="0209087654321050"),
    ChartLine(None, "Business Savings Account", "BANK", bank_number="0209087654321051"),
    ChartLine("200", "Sales", "REVENUE", "sales"),
    ChartLine("260", "Other Revenue", "REVENUE", "sales"),
    ChartLine("310", "Cost of Goods Sold", "DIRECTCOSTS", "purchases"),
    ChartLine("320", "Stock write-offs", "DIRECTCOSTS", "purchases"),
    ChartLine("404", "Bank Fees", "EXPENSE"),
    ChartLine("425", "Freight & Courier", "EXPENSE", "purchases"),
    ChartLine("429", "General Expenses", "EXPENSE", "purchases"),
    ChartLine("477", "Wages and Salaries", "EXPENSE"),
    ChartLine("478", "Applied labour and overhead", "OVERHEADS"),
    ChartLine("479", "Old factory overhead", "OVERHEADS", archived=True),
    ChartLine("497", "Bank Revaluations", "EXPENSE", system="BANKCURRENCYGAIN"),
    ChartLine("498", "Unrealised Currency Gains", "EXPENSE", system="UNREALISEDCURRENCYGAIN"),
    ChartLine("499", "Realised Currency Gains", "EXPENSE", system="REALISEDCURRENCYGAIN"),
    ChartLine("610", "Accounts Receivable", "CURRENT", system="DEBTORS"),
    ChartLine("620", "Prepayments", "CURRENT"),
    ChartLine("621", "Stock on Hand - Components", "CURRENT"),
    ChartLine("622", "Stock on Hand - Finished Goods", "CURRENT"),
    ChartLine("623", "Goods received clearing", "CURRLIAB"),
    ChartLine("630", "Inventory", "INVENTORY"),
    ChartLine("710", "Office Equipment", "FIXED", "purchases"),
    ChartLine("800", "Accounts Payable", "CURRLIAB", system="CREDITORS"),
    ChartLine("801", "Unpaid Expense Claims", "CURRLIAB", system="UNPAIDEXPCLM"),
    ChartLine("814", "Wages Payable - Payroll", "CURRLIAB", system="WAGEPAYABLES"),
    ChartLine("820", "GST", "CURRLIAB", system="GST"),
    ChartLine("840", "Historical Adjustment", "CURRLIAB", system="HISTORICAL"),
    ChartLine("860", "Rounding", "CURRLIAB", system="ROUNDING"),
    ChartLine("877", "Tracking Transfers", "CURRLIAB", system="TRACKINGTRANSFERS"),
    ChartLine("900", "Loan", "TERMLIAB"),
    ChartLine("960", "Retained Earnings", "EQUITY", system="RETAINEDEARNINGS"),
    ChartLine("970", "Owner A Funds Introduced", "EQUITY"),
)

CLASS_OF_TYPE = {
    "BANK": "ASSET",
    "CURRENT": "ASSET",
    "FIXED": "ASSET",
    "INVENTORY": "ASSET",
    "CURRLIAB": "LIABILITY",
    "TERMLIAB": "LIABILITY",
    "EQUITY": "EQUITY",
    "DIRECTCOSTS": "EXPENSE",
    "EXPENSE": "EXPENSE",
    "OVERHEADS": "EXPENSE",
    "REVENUE": "REVENUE",
}
