from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typing_in import Shell

REAL_FILE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "hackrf-one-bom.csv"

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What is about reading and writing text runs on one database."""


def kit(shell: Shell, *costs: str) -> None:
    """Panels in three lots (N1), and a kit made of one."""
    shell.done("product", "add", "PANEL", "Panel")
    shell.done("product", "add", "KIT", "Kit", "--kind", "finished_good")
    shell.done("supplier", "add", "ACM", "Acme Parts")
    for day, line in enumerate(("PANEL=20@34.50", "panel=50@35.50", "PANEL=100@36.00"), start=1):
        shell.done("receive", "--supplier", "ACM", "--on", f"2026-03-0{day}", line)
    shell.done("bom", "set", "KIT", "PANEL=1", *costs)


def left(shell: Shell) -> list[str]:
    rows = shell.type("lots", "PANEL", "--json").json
    return [row["quantity_left"] for row in reversed(rows)]


def test_oldest_lots_are_drawn_first_and_cost_is_exact_on_the_command_line(shell: Shell) -> None:
    """N1: 20 @ 34.50, 50 @ 35.50, 100 @ 36.00; take 60."""
    kit(shell)
    built = shell.type("build", "KIT", "60", "--yes", "--json").json
    assert built["total_cost"] == "2110"
    assert [(draw["quantity"], draw["cost"]) for draw in built["draws"]] == [("20", "690"), ("40", "1420")]
    assert left(shell) == ["0", "10", "100"]


@SQLITE
def test_a_build_shows_lots_and_cost_and_asks_first(shell: Shell) -> None:
    kit(shell, "--cost", "labour:Assembly=25.00x0.5", "--cost", "other:Box=2.00")
    for answer in ("", "n\n", "nonsense\n"):
        typed = shell.type("build", "KIT", "60", answer=answer)
        assert typed.code == 1
        assert "Nothing was built." in typed.out
    assert left(shell) == ["20", "50", "100"]
    shown = shell.done("build", "KIT", "60", answer="y\n")
    assert "2,980.00" in shown  # 2,110.00 + 60 × (12.50 + 2.00)
    assert "PSB-000001 is built: 60 × KIT." in shown
    assert left(shell) == ["0", "10", "100"]


@SQLITE
def test_a_preview_writes_nothing_and_doesn_t_ask(shell: Shell) -> None:
    kit(shell)
    assert "2,110.00" in shell.done("build", "KIT", "60", "--preview")
    assert left(shell) == ["20", "50", "100"]


def test_a_shortage_is_refused_with_all_that_is_missing(shell: Shell) -> None:
    kit(shell)
    typed = shell.type("build", "KIT", "171", "--yes")
    assert typed.code == 1
    assert typed.err.startswith("error[stock-short]: Stock doesn't reach. PANEL: 171 needed, 170 available, 1 missing.")
    assert "Total" not in typed.out
    assert left(shell) == ["20", "50", "100"]


@SQLITE
def test_a_bom_is_shown_with_cost_and_how_many_can_be_built(shell: Shell) -> None:
    kit(shell, "--cost", "labour:Assembly=25.00x0.5")
    shown = shell.done("bom", "show", "kit")
    assert "Can be built now: 170" in shown
    assert "Estimated cost of 1: 48.176471" in shown
    assert "Counted as nothing" not in shown
    assert shell.type("bom", "show", "KIT", "--json").json["components"][0]["sku"] == "PANEL"
    shell.done("product", "add", "GLUE", "Glue")
    shell.done("product", "add", "CASE", "Case")
    shell.done("bom", "set", "CASE", "GLUE=1")
    assert "Counted as nothing, for the cost isn't known: GLUE" in shell.done("bom", "show", "CASE")
    assert not shell.type("bom", "show", "CASE", "--json").json["components"][0]["is_cost_known"]


@SQLITE
def test_products_and_suppliers_are_listed(shell: Shell) -> None:
    kit(shell)
    table = shell.done("product", "list", "--search", "pan")
    assert "PANEL" in table
    assert "KIT" not in table
    assert "6,065.00" in table
    assert [row["code"] for row in shell.type("supplier", "list", "--json").json] == ["ACM"]
    assert shell.done("product", "list", "--search", "nothing at all") == "Nothing found.\n"


def test_a_receipt_is_read_from_a_file(shell: Shell, tmp_path: Path) -> None:
    kit(shell)
    file = tmp_path / "goods.csv"
    file.write_text("\ufeffsku,quantity,unit_cost,total_cost,lot_number\nPANEL,4,2.50,,\nKIT,1,,9.99,LOT-7\n")
    assert "2 lines, 19.99" in shell.done("receive", "--supplier", "ACM", "--on", "2026-03-04", "--file", str(file))
    assert [row["number"] for row in shell.type("lots", "KIT", "--json").json] == ["LOT-7"]


@SQLITE
@pytest.mark.parametrize(
    "text",
    [
        "",
        "sku,quantity\nPANEL,4\n",
        "sku,unit_cost\nPANEL,4\n",
        "sku,quantity,unit_cost,colour\nPANEL,4,1,red\n",
        "sku,quantity,unit_cost\nPANEL,4\n",
        "sku,quantity,unit_cost\nPANEL,4,1,5\n",
        'sku,quantity,unit_cost\n"PANEL,4,1\n',
        "sku,quantity,unit_cost\nPANEL,four,1\n",
        "sku,quantity,unit_cost\nGHOST,4,1\n",
    ],
)
def test_a_file_of_goods_that_is_wrong_is_refused_whole(shell: Shell, tmp_path: Path, text: str) -> None:
    kit(shell)
    file = tmp_path / "goods.csv"
    file.write_text(text)
    typed = shell.type("receive", "--supplier", "ACM", "--file", str(file))
    assert typed.code == 1
    assert typed.err.startswith("error[invalid]: ")
    assert left(shell) == ["20", "50", "100"]


@SQLITE
def test_a_file_that_is_not_there_or_no_text_is_refused(shell: Shell, tmp_path: Path) -> None:
    assert "can't be read" in shell.type("receive", "--supplier", "ACM", "--file", "no-such-file.csv").err
    binary = tmp_path / "goods.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    assert "isn't a CSV file" in shell.type("receive", "--supplier", "ACM", "--file", str(binary)).err
    assert "can't be read" in shell.type("import", "bom", str(tmp_path), "--product", "X").err


@SQLITE
@pytest.mark.parametrize("words", [["PANEL"], ["PANEL=4"], ["=4@1"], ["PANEL=@1"], ["PANEL=4@"], []])
def test_goods_that_are_not_written_as_they_should_be_are_refused(shell: Shell, words: list[str]) -> None:
    kit(shell)
    typed = shell.type("receive", "--supplier", "ACM", *words)
    assert (typed.code, typed.err[:15]) == (1, "error[invalid]:")


def test_a_bom_file_is_tried_first_and_imported_when_agreed(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "bom.csv"
    file.write_text("ref,value,Part,What\nR1,10k,R-10K,Resistor\nR2,10k,R-10K,Resistor\nC1,1u,CAP-1U,Capacitor\n")
    words = ["import", "bom", str(file), "--product", "BOARD", "--map", "part_number=Part", "--map", "name=What"]
    refused = shell.type(*words, "--yes")
    assert (refused.code, refused.err[:25]) == (1, "error[file-has-problems]:")
    words += ["--create-product", "Board"]
    declined = shell.type(*words, answer="n\n")
    assert declined.code == 1
    assert "2 components adding up to 3" in declined.out
    assert shell.type("product", "list", "--json").json == []
    assert "Version 1 of the BOM of BOARD is active; 2 new products." in shell.done(*words, "--yes")
    assert shell.type("bom", "show", "BOARD", "--json").json["components"][0]["designators"] == "R1, R2"


def test_the_file_of_a_real_board_is_imported(shell: Shell) -> None:
    if not REAL_FILE.exists():
        pytest.skip("the file of the real board isn't beside the project")
    words = ["import", "bom", str(REAL_FILE), "--product", "HACKRF", "--create-product", "HackRF One", "--yes"]
    assert "65 components adding up to 300, 114 rows skipped." in shell.done(*words)
