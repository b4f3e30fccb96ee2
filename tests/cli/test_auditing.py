from __future__ import annotations

from tests.cli.typing_in import Shell


def test_the_log_tells_what_was_typed_and_by_whom(shell: Shell) -> None:
    shell.done("options", "set", "qa_review", "on")
    (row,) = shell.type("audit", "--kind", "settings", "--json").json
    assert (row["door"], row["action"], row["changes"]) == ("cli", "changed", "qa review: no → yes")
    assert row["by"].startswith("command line (")
    assert "qa review" in shell.done("audit", "--search", "review")
    assert shell.done("audit").startswith("When (UTC)")
    assert "isn't a calendar day" in shell.type("audit", "--from", "yesterday").err
