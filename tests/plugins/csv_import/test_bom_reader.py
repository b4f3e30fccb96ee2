"""Bills of materials out of files as people have them: read right, or refused with the row and the cure."""

from __future__ import annotations

import codecs
import pathlib
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partsemble_core.errors import Invalid
from partsemble_core.plugin_api import BomFile
from partsemble_core.plugin_host import PluginHost
from partsemble_csv_import import plugin
from partsemble_csv_import.bom_reader import MAX_PROBLEMS, bom_from
from partsemble_csv_import.decoding import MAX_BYTES
from partsemble_csv_import.designators import natural_key

DATA = pathlib.Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "hackrf-one-bom.csv"
SMALL = (
    "Designator,MPN,Description\nC1,GRM155,Capacitor\nC10,GRM155,Capacitor\nC2,GRM155,Capacitor\nR1,RC0402,Resistor\n"
)


def read(text: str | bytes, **mapping: str) -> BomFile:
    return bom_from(text if isinstance(text, bytes) else text.encode(), mapping)


@pytest.fixture
def hackrf() -> bytes:
    if not DATA.exists():
        pytest.skip(f"The sample bill of materials is not here: {DATA.name}")
    return DATA.read_bytes()


def test_the_bill_of_a_product_on_sale_is_read_whole(hackrf: bytes) -> None:
    bom = read(hackrf)
    assert bom.problems == ()
    assert (len(bom.lines), sum(line.quantity for line in bom.lines)) == (65, 300)
    assert (bom.rows, len(bom.skipped)) == (414, 114)
    assert all("DNP" in skip.reason for skip in bom.skipped)
    first = bom.lines[0]
    assert (first.part_number, first.manufacturer, first.quantity) == ("GRM1555C1H330JA01D", "Murata", Decimal(33))
    assert first.designators[:4] == ("C1", "C3", "C5", "C7")
    assert first.row_numbers[:2] == (2, 4)
    assert first.name == "CAP CER 33PF 50V 5% NP0 0402"


def test_what_was_guessed_is_said(hackrf: bytes) -> None:
    bom = read(hackrf)
    assert bom.warnings[0] == (
        "Column 'Field2' was taken for the part number; use --map part_number=COLUMN to change it."
    )
    assert bom.mapping["part_number"] == "Field2"
    told = read(hackrf, part_number="Field2", name="field3", manufacturer="Field1")
    assert (told.lines, told.warnings) == (bom.lines, ())


def test_a_mapping_may_use_the_value_as_part_number(hackrf: bytes) -> None:
    bom = read(hackrf, part_number="value")
    assert bom.problems == ()
    assert sum(line.quantity for line in bom.lines) == 300
    assert "33pF" in {line.part_number for line in bom.lines}


def test_rows_of_one_part_become_one_line_in_natural_order() -> None:
    bom = read(SMALL)
    assert [(line.part_number, line.quantity, line.designators) for line in bom.lines] == [
        ("GRM155", Decimal(3), ("C1", "C2", "C10")),
        ("RC0402", Decimal(1), ("R1",)),
    ]
    assert bom.lines[0].row_numbers == (2, 3, 4)


def test_part_numbers_are_one_in_any_case_and_composition() -> None:
    bom = read("Ref,MPN\nC1,é-1a\nC2,E\u0301-1A\nC3, é-1A \n")
    assert [(line.part_number, line.quantity) for line in bom.lines] == [("é-1a", Decimal(3))]


@pytest.mark.parametrize("cell", ["C1, C2,C3", "C1;C2;C3", "C1 C2 C3", "C1-C3", "C1\nC2\nC3"])
def test_designators_may_stand_in_a_list(cell: str) -> None:
    bom = read(f'Ref,MPN,Qty\n"{cell}",ABC1,3\n')
    assert (bom.problems, bom.lines[0].quantity) == ((), Decimal(3))
    assert bom.lines[0].designators == ("C1", "C2", "C3")


def test_quantities_alone_are_enough() -> None:
    bom = read("SKU\tQuantity\nGLUE-1\t0.25\nBOLT-4\t4\nGLUE-1\t0.5\nNONE-1\t0\n")
    assert [(line.part_number, line.quantity) for line in bom.lines] == [
        ("GLUE-1", Decimal("0.75")),
        ("BOLT-4", Decimal(4)),
    ]
    assert [(skip.row_number, skip.reason) for skip in bom.skipped] == [(5, "its quantity is 0")]


@pytest.mark.parametrize(
    "quantity",
    ["1e3", "1e400", "NaN", "inf", "1_000", "１２", "٣", "0x10", "-1", "+1", "1,5", ".5", "1.1234567", "9" * 10],
)
def test_a_quantity_that_is_no_plain_number_is_refused_by_its_row(quantity: str) -> None:
    bom = read(f'MPN;Qty\nA1;1\nB1;"{quantity}"\n')
    assert bom.lines == ()
    assert len(bom.problems) == 1
    assert bom.problems[0].startswith("Row 3: the quantity")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Ref,MPN,Qty\n'C1',A1,1\n\"C1,C2\",A1,3\n", "Row 3: the quantity is 3, but 2 designators"),
        ("Ref,MPN\nC1,A1\nC2,\n", r"Row 3 \(C2\) has no part number"),
        ("Ref,MPN,Qty\n,A1,\n", "Row 2 has neither designator nor quantity"),
        ("Ref,MPN\nC1,A1\nC1,A2\n", "Row 3: the designator C1 stands in row 2 too"),
        ("Ref,MPN\nC1-4,A1\n", "Row 2: 'C1-4' may be a range"),
        ("Ref,MPN\nC1,A1\nC2\n", "Row 3 has 1 cells where the header has 2"),
        ("Ref,MPN\nC1,A1,extra\n", "Row 2 has 3 cells where the header has 2"),
        ('Ref,MPN\nC1,"A1\nC2,A2\n', "Row 2 can't be read: a quotation mark is opened and never closed"),
        ('Ref,MPN\nC1,A1\nC2,"A"2\n', "Row 3 can't be read: there is text after a closing quotation mark"),
        ("Ref,MPN\nC1,A\x001\n", r"Row 2 holds the control character U\+0000"),
        ("Ref,MPN\nC1,A\u202e1\n", r"Row 2 holds the control character U\+202E"),
        ("Ref,MPN\nC1," + "x" * 32769 + "\n", "Row 2 has a cell of more than 32 KB"),
        ("Ref,MPN\nC1," + "x" * 501 + "\n", "Row 2: the part_number has more than 500 characters"),
        ("Ref,MPN,mpn\nC1,A1,A2\n", "Two columns are called"),
        ("Ref,MPN,Part Number\nC1,A1,A2\n", "The part number could be in 'MPN', 'Part Number'; say which with --map"),
        ("MPN\nA1\n", "No column holds designators or quantities"),
        ("Ref,Colour\nC1,red\n", "No column holds the part numbers for certain; use --map part_number=COLUMN"),
        ("C1,GRM155\nC2,GRM156\n", "looks like a part, not like column names"),
        ("Ref,MPN\nC1,DNP\n", "No row is to be placed"),
        ("Ref,MPN\n", "no rows below its column names"),
        ("", "empty"),
        ("\ufeff\n \n", "empty"),
        ("<!DOCTYPE html><html>", "web page"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(text: str, problem: str) -> None:
    bom = read(text)
    assert bom.lines == ()
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError("\n".join(bom.problems))


def test_two_columns_that_could_be_the_part_number_are_asked_about() -> None:
    rows = "".join(f"C{number},GRM155{number}X,ERJ2GE{number}X\n" for number in range(5))
    bom = read("Ref,FieldA,FieldB\n" + rows)
    assert bom.problems == ("The part number could be in 'FieldA', 'FieldB'; say which with --map part_number=COLUMN.",)
    assert read("Ref,FieldA,FieldB\n" + rows, part_number="FieldB").lines[0].part_number == "ERJ2GE0X"


def test_a_mapping_to_nothing_lists_what_there_is() -> None:
    assert read(SMALL, part_number="Nope").problems == (
        "There is no column 'Nope' for part_number; the columns are 'Designator', 'MPN', 'Description'.",
    )
    assert "the fields are designator, part_number" in read(SMALL, colour="MPN").problems[0]


def test_many_problems_are_cut_short_with_their_count() -> None:
    bom = read("Ref,MPN\n" + "".join(f"C{number},\n" for number in range(500)))
    assert len(bom.problems) == MAX_PROBLEMS + 1
    assert "450 more" in bom.problems[-1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_an_encoding_with_a_mark_or_a_pattern_is_known(encoding: str) -> None:
    bom = read(SMALL.replace("Resistor", "Widerstand Ω é").encode(encoding))
    assert bom.problems == ()
    assert bom.lines[1].name == "Widerstand Ω é"


def test_windows_1252_is_read_with_a_warning() -> None:
    bom = read(SMALL.replace("Resistor", "4,7 µF “X”").replace(",7", ".7").encode("cp1252"))
    assert bom.lines[1].name == "4.7 µF “X”"
    assert "Windows-1252" in bom.warnings[0]


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF16_LE + b"A",
        codecs.BOM_UTF8 + b"Ref,MPN\n\xff,A\n",
        b"Ref,MPN\nC1,\x81\n",
        b"%PDF-1.7",
        b"x" * (MAX_BYTES + 1),
        b"Ref" + b",a" * 201 + b"\n",
        b"Ref,MPN\n" + b"C1,A\n" * 100_001,
    ],
)
def test_an_unreadable_file_has_one_problem(content: bytes) -> None:
    bom = read(content)
    assert (bom.lines, len(bom.problems)) == ((), 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_recognised(delimiter: str, line_end: str) -> None:
    text = SMALL.replace(",", delimiter).replace("\n", line_end)
    assert read(text).lines == read(SMALL).lines


def test_a_declared_delimiter_wins_and_rows_keep_their_numbers() -> None:
    bom = read("sep=;\nRef;MPN\nC1;A1,A2,A3\nC2;\n")
    assert bom.problems[0].startswith("Row 4 (C2)")
    assert read("sep=;\nRef;MPN\nC1;A1,A2,A3\n").lines[0].part_number == "A1,A2,A3"


def test_a_column_of_marks_skips_rows_too() -> None:
    bom = read("Reference,MPN,DNP\nC1,A1,\nC2,A1,x\nC3,A1,0\n")
    assert (bom.lines[0].designators, [skip.designator for skip in bom.skipped]) == (("C1", "C3"), ["C2"])


def test_a_part_number_that_a_spreadsheet_damaged_is_warned_about() -> None:
    assert "looks damaged" in read("Ref,MPN\nC1,1.23E+12\n").warnings[0]


def test_a_workbook_is_left_to_another_reader() -> None:
    host = PluginHost()
    host.add(plugin, "csv_import")
    with pytest.raises(Invalid, match="CSV"):
        host.read_bom_file(content=b"PK\x03\x04...", filename="bom.xlsx", mapping={})
    assert host.read_bom_file(content=SMALL.encode(), filename="bom.csv", mapping={}).problems == ()


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["C1", "C1-C9", "DNP", "4", "GRM155", '"', "", "R1,R2", "=1+1"]
)
headers = st.sampled_from(["Ref", "MPN", "Qty", "Description", "Field1", "", "DNP", "Value"])


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(content: bytes) -> None:
    bom = bom_from(content, {})
    assert bom.lines or bom.problems


@settings(max_examples=200)
@given(
    st.lists(headers, min_size=1, max_size=5),
    st.lists(st.lists(cells, max_size=6), max_size=8),
    st.sampled_from(",;\t|"),
)
def test_no_table_makes_it_raise_or_lose_a_row(header: list[str], rows: list[list[str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in [header, *rows])
    bom = read(text, quantity=header[0])
    assert bom.lines or bom.problems
    if not bom.problems:
        used = {number for line in bom.lines for number in line.row_numbers}
        assert len(used) + len(bom.skipped) == bom.rows


@given(st.lists(st.text(max_size=8)))
def test_natural_order_never_compares_apples_with_pears(designators: list[str]) -> None:
    sorted(designators, key=natural_key)
