"""Importing: a bill of materials out of a file. First a plan that writes nothing, then the same plan applied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from partsemble_core.domain.boms import LINES
from partsemble_core.domain.products import NAME_LENGTH, ProductKind, clean_sku, clean_text, sku_key
from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError, Refused, say, word
from partsemble_core.plugin_api.bom_files import BomFile, BomFileLine, BomFileSkip
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import ComponentInput, create_product, save_bom
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.products import Product, find_product_by_sku, products_by_sku
from partsemble_core.store.session import CompanySession

FILE_SIZE = 10 * 1024 * 1024
PROBLEMS = 100


class FileHasProblems(Refused):
    """The file can't be applied as it is. ``problems`` lists them, each with its row and its cure."""

    code = "file-has-problems"

    def __init__(self, problems: Sequence[str]) -> None:
        if len(problems) > 1:
            message = say(
                "Nothing was imported. {problem} (and {count} more)", problem=word(problems[0]), count=len(problems) - 1
            )
        else:
            message = say("Nothing was imported. {problem}", problem=word(problems[0]))
        super().__init__(message)
        self.field = "file"
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class BomUpload:
    """A file and how it is to be read. ``mapping`` names columns for what they hold (``part_number``: ``Field2``)."""

    content: bytes = field(repr=False)
    filename: str
    product_sku: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    product_name: str = ""
    """Where given, a target product that is missing is created with this name, as a finished good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """One component of the BOM to be. ``is_new``: a product is created for it."""

    sku: str
    name: str
    quantity: Decimal
    designators: tuple[str, ...]
    is_new: bool
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What applying the file would do; nothing is written. ``sha256`` is of the file that was read.

    With ``problems`` it can't be applied. ``creates_product``: the target product itself is created too.
    """

    sha256: str
    product_sku: str
    creates_product: bool
    lines: tuple[PlannedLine, ...]
    skipped: tuple[BomFileSkip, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    mapping: Mapping[str, str]
    rows: int

    @property
    def new_products(self) -> tuple[PlannedLine, ...]:
        return tuple(line for line in self.lines if line.is_new)

    @property
    def existing_products(self) -> tuple[PlannedLine, ...]:
        return tuple(line for line in self.lines if not line.is_new)


def plan_bom_import(session: CompanySession, host: PluginHost, upload: BomUpload) -> ImportPlan:
    """Reads the file and says what applying it would do. What is wrong with it is in ``problems``, never raised.

    Raises Invalid for a file that no reader knows or that is too large, and for the target's SKU.
    """
    if len(upload.content) > FILE_SIZE:
        raise Invalid("file", say("The file is larger than {size} MB. Split it.", size=FILE_SIZE // 1024 // 1024))
    read = host.read_bom_file(content=upload.content, filename=upload.filename, mapping=upload.mapping)
    sku = clean_sku(upload.product_sku, field="product_sku")
    target = find_product_by_sku(session, sku)
    if len(read.lines) > LINES:
        raise Invalid(
            "file",
            say(
                "The file has {count} components; a BOM may have at most {lines}. Split it.",
                count=len(read.lines),
                lines=LINES,
            ),
        )
    lines, problems = _planned_lines(session, read)
    problems = [*read.problems, *_target_problems(sku, target, upload.product_name), *problems]
    return ImportPlan(
        sha256=hashlib.sha256(upload.content).hexdigest(),
        product_sku=target.sku if target else sku,
        creates_product=target is None,
        lines=lines,
        skipped=read.skipped,
        problems=tuple(problems[:PROBLEMS]),
        warnings=read.warnings,
        mapping=read.mapping,
        rows=read.rows,
    )


def apply_bom_import(
    session: CompanySession, act: Act, host: PluginHost, upload: BomUpload, *, sha256: str
) -> BomVersion:
    """Plans again and applies: missing products, then the BOM with its designators, in the session's transaction.

    Raises Conflict when the file isn't the one that was planned, FileHasProblems, and what saving a BOM raises.
    """
    plan = plan_bom_import(session, host, upload)
    if plan.sha256 != sha256:
        raise Conflict("The file is another one than was checked. Check it again, then import it.", field="sha256")
    if plan.problems:
        raise FileHasProblems(plan.problems)
    for line in plan.new_products:
        create_product(session, act, sku=line.sku, name=line.name, kind=ProductKind.COMPONENT)
    product = _target(session, act, upload, plan)
    components = [
        ComponentInput(sku=line.sku, quantity=line.quantity, designators=line.designators) for line in plan.lines
    ]
    return save_bom(session, act, product_id=product.id, components=components)


def _target(session: CompanySession, act: Act, upload: BomUpload, plan: ImportPlan) -> Product:
    found = find_product_by_sku(session, plan.product_sku)
    if found is not None:
        return found
    return create_product(session, act, sku=plan.product_sku, name=upload.product_name, kind=ProductKind.FINISHED_GOOD)


def _target_problems(sku: str, target: Product | None, name: str) -> list[str]:
    if target is None and not name.strip():
        missing = NotFound("product with SKU", sku).message
        return [say("{missing} Create it first, or say by which name the import shall create it.", missing=missing)]
    return []


def _planned_lines(session: CompanySession, read: BomFile) -> tuple[tuple[PlannedLine, ...], list[str]]:
    """The lines with the products that they name, in two statements at most, and what can't be taken over."""
    lines: list[PlannedLine] = []
    problems: list[str] = []
    known = products_by_sku(session, [line.part_number for line in read.lines])
    for line in read.lines:
        product = known.get(sku_key(line.part_number))
        try:
            lines.append(_planned_line(line, product))
        except PartsembleError as error:
            told = say("{part_number}: {error}", part_number=line.part_number[:40], error=word(error.message))
            row = line.row_numbers[:1]
            problems.append(say("Row {number}: {problem}", number=row[0], problem=told) if row else told)
    return tuple(lines), problems


def _planned_line(line: BomFileLine, product: Product | None) -> PlannedLine:
    if product is not None and not product.is_active:
        raise Conflict(say("{sku} is inactive. Activate it, or take it out of the file.", sku=product.sku))
    sku = product.sku if product else clean_sku(line.part_number, field="part_number")
    name = clean_text(line.name[:NAME_LENGTH], field="name", length=NAME_LENGTH, required=False)
    return PlannedLine(
        sku=sku,
        name=product.name if product else name or sku,
        quantity=line.quantity,
        designators=line.designators,
        is_new=product is None,
        rows=line.row_numbers,
    )
