"""Labels of lots to print: on sheets or a roll, each with a QR code and bars, exact to the tenth of a millimetre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.errors import Invalid, NotFound, say
from partsemble_core.services.tagging import Tag, lots_of_build, lots_of_receipt, tags_of
from partsemble_core.store.builds import get_build
from partsemble_core.store.lots import get_lot
from partsemble_core.store.receipts import get_receipt
from partsemble_core.store.session import CompanySession
from partsemble_web.scope import reading, the_house
from partsemble_web.speaking import mark

pages = Blueprint("labels", __name__, template_folder="templates")
ID_DIGITS = 18
AT_ONCE = 200
COPIES = 100
MOST = 1_000
NARROWEST = 19
"""Hundredths of a millimetre: bars thinner than this are read by few scanners, and printed by few printers."""

THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that a phone takes for itself, so it can't open an address there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A paper. ``bars_width`` is how wide the bars are drawn on a label, in millimetres, as its stylesheet has it."""

    name: str
    title: str
    each: int
    bars_width: int

    @property
    def stylesheet(self) -> str:
        return f"labels/{self.name}.css"


LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(name="a4", title=mark("A4 sheet, 3 × 8 (70 × 37 mm)"), each=24, bars_width=64),
        Layout(name="letter", title=mark("Letter sheet, 3 × 10 (2⅝ × 1 in)"), each=30, bars_width=62),
        Layout(name="roll-62", title=mark("Roll, 62 mm wide"), each=1, bars_width=56),
        Layout(name="roll-100", title=mark("Roll, 100 × 50 mm"), each=1, bars_width=94),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the address asks for. ``skip`` labels of the first sheet are used already."""

    layout: Layout
    copies: int
    skip: int


@pages.get("/labels")
def show() -> str:
    """Labels of the lots ``ids``, of all lots of a ``receipt``, or of what a ``build`` made. ``layout``, ``copies``."""
    wish = _wish()
    with reading() as session:
        ids = _lots(session)
        tags = tags_of(session, ids, base_url=the_house().settings.base_url) if ids else []
        back, back_title = _origin(session)
    if len(tags) * wish.copies > MOST:
        raise Invalid("copies", say("At most {most} labels are made at once. Ask for fewer copies.", most=MOST))
    return render_template(
        "labels/labels.html",
        tags=tags,
        sheets=_sheets(tags, wish),
        layouts=LAYOUTS.values(),
        wish=wish,
        barless=[tag for tag in tags if not has_bars(tag, wish.layout)],
        is_out_of_reach=urlsplit(the_house().settings.base_url).hostname in THIS_MACHINE,
        has_bars=has_bars,
        fields=[(key, value) for key in ("ids", "receipt", "build") for value in request.args.getlist(key)],
        back=back,
        back_title=back_title,
    )


def has_bars(tag: Tag, layout: Layout) -> bool:
    """Whether the lot's number can be printed as bars that a scanner reads, on labels as wide as these."""
    return tag.bars is not None and 100 * layout.bars_width >= NARROWEST * tag.bars.width


def _sheets(tags: Sequence[Tag], wish: Wish) -> list[list[Tag | None]]:
    """The labels as they fall on paper; None where one is used already."""
    places: list[Tag | None] = [None] * wish.skip
    places += [tag for tag in tags for _copy in range(wish.copies)]
    each = wish.layout.each
    return [places[at : at + each] for at in range(0, len(places), each)] if tags else []


def _wish() -> Wish:
    """Raises Invalid."""
    name = request.args.get("layout", "a4")
    if name not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise Invalid("layout", say("There is no layout {name}. Choose one of {known}.", name=name[:40], known=known))
    layout = LAYOUTS[name]
    return Wish(
        layout=layout,
        copies=_count("copies", least=1, most=COPIES),
        skip=min(_count("skip", least=0, most=MOST), layout.each - 1),
    )


def _count(field: str, *, least: int, most: int) -> int:
    text = request.args.get(field, "").strip() or str(least)
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and least <= int(text) <= most):
        raise Invalid(field, say("Give a whole number from {least} to {most}.", least=least, most=most))
    return int(text)


def _id(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= ID_DIGITS):
        raise Invalid(field, say("This is no id. Open the labels from a lot, a receipt, a build or the list of lots."))
    return int(text)


def _lots(session: CompanySession) -> list[int]:
    """Raises Invalid, NotFound."""
    if "receipt" in request.args:
        receipt = get_receipt(session, _id(request.args["receipt"], "receipt"))
        ids = lots_of_receipt(session, receipt.id)
    elif "build" in request.args:
        ids = lots_of_build(session, get_build(session, _id(request.args["build"], "build")).id)
    else:
        ids = [_id(text, "ids") for text in request.args.getlist("ids")]
    if len(ids) > AT_ONCE:
        raise Invalid("ids", say("At most {most} lots are labelled at once. Tick fewer.", most=AT_ONCE))
    return ids


def _origin(session: CompanySession) -> tuple[str, str]:
    """Where one came from."""
    if "receipt" in request.args:
        receipt = get_receipt(session, int(request.args["receipt"]))
        return url_for("receipts.show_receipt", receipt_id=receipt.id), receipt.reference or _("Receipt")
    if "build" in request.args:
        build = get_build(session, int(request.args["build"]))
        return url_for("builds.show_build", build_id=build.id), build.reference
    ids = request.args.getlist("ids")
    if len(ids) == 1:
        try:
            lot = get_lot(session, int(ids[0]))
        except NotFound:
            return url_for("lots.show_list"), _("Lots")
        return url_for("lots.show_lot", lot_id=lot.id), _("Lot %(number)s", number=lot.number)
    return url_for("lots.show_list"), _("Lots")
