"""Choosing an account as a person does: type a part of it, press Enter."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def pick_account(page: Page, label: str, code: str) -> None:
    """Chooses the account with ``code`` for the role whose name begins with ``label``."""
    field = page.get_by_role("combobox", name=label)
    field.click()
    field.fill(code)
    page.get_by_role("option", name=code).first.wait_for()
    field.press("Enter")
    expect(field).to_have_value(f"{code} {field.input_value().removeprefix(code).strip()}")
    expect(field).to_have_attribute("aria-expanded", "false")
