"""What the company of the demo buys and makes: a maker of electronics kits with three levels of BOMs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something bought: ``pack`` is what one order brings, ``price`` is of one unit when the year begins."""

    sku: str
    name: str
    supplier: str
    price: Decimal
    pack: int
    kind: str = "component"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Something made. ``batch`` is how many are built at a time, ``minutes`` the labour of one."""

    sku: str
    name: str
    kind: str
    components: tuple[tuple[str, int], ...]
    batch: int
    minutes: int


SUPPLIERS = (
    ("ACM", "Acme Components"),
    ("BRT", "Bright Boards"),
    ("HXF", "Hexfast Fixings"),
    ("NPK", "Northern Packaging"),
    ("VLT", "Volta Semiconductors"),
)


def _parts(supplier: str, rows: str, *, kind: str = "component") -> tuple[Part, ...]:
    """``SKU | name | price | pack`` a line."""
    cells = [[cell.strip() for cell in row.split("|")] for row in rows.strip().splitlines()]
    return tuple(
        Part(sku=sku, name=name, supplier=supplier, price=Decimal(price), pack=int(pack), kind=kind)
        for sku, name, price, pack in cells
    )


PARTS = (
    *_parts(
        "ACM",
        """
        RES-100R | Resistor 100 Ω, 0805        | 0.0041 | 5000
        RES-220R | Resistor 220 Ω, 0805        | 0.0041 | 5000
        RES-1K   | Resistor 1 kΩ, 0805         | 0.0041 | 5000
        RES-4K7  | Resistor 4.7 kΩ, 0805       | 0.0042 | 5000
        RES-10K  | Resistor 10 kΩ, 0805        | 0.0041 | 10000
        RES-100K | Resistor 100 kΩ, 0805       | 0.0043 | 5000
        CAP-22P  | Capacitor 22 pF, NP0        | 0.0125 | 4000
        CAP-100N | Capacitor 100 nF, X7R       | 0.0098 | 10000
        CAP-1U   | Capacitor 1 µF, X7R         | 0.0187 | 4000
        CAP-4U7  | Capacitor 4.7 µF, X5R       | 0.0291 | 2000
        CAP-10U  | Capacitor 10 µF, X5R        | 0.0442 | 2000
        CAP-100U | Capacitor 100 µF, polymer   | 0.3120 | 500
        LED-GRN  | LED green, 0603             | 0.0312 | 3000
        LED-RED  | LED red, 0603               | 0.0298 | 3000
        LED-AMB  | LED amber, 0603             | 0.0327 | 3000
        XTAL-16M | Crystal 16 MHz              | 0.2140 | 1000
        CON-USBC | USB-C receptacle            | 0.4125 | 500
        CON-JST2 | JST connector, 2 pins       | 0.0875 | 1000
        CON-HDR8 | Pin header, 8 pins          | 0.1180 | 1000
        SWI-TACT | Tactile switch, 6 mm        | 0.0790 | 1000
        """,
    ),
    *_parts(
        "VLT",
        """
        MCU-ARM  | Microcontroller, Cortex-M0+ | 2.4500 | 250
        REG-3V3  | Regulator 3.3 V             | 0.3870 | 500
        CHG-LIPO | Charger for lithium cells   | 0.6230 | 500
        RAD-BLE  | Radio module, Bluetooth LE  | 3.9200 | 200
        SEN-TEMP | Temperature sensor          | 0.9450 | 500
        SEN-HUM  | Humidity sensor             | 2.1800 | 250
        SEN-PRES | Pressure sensor             | 2.8600 | 250
        SEN-LUX  | Light sensor                | 0.7840 | 500
        DRV-OLED | Display driver              | 1.1350 | 250
        """,
    ),
    *_parts(
        "BRT",
        """
        PCB-PWR  | Blank board, power          | 0.8900 | 200
        PCB-SEN  | Blank board, sensors        | 1.2400 | 200
        PCB-RAD  | Blank board, radio          | 1.5500 | 200
        PCB-DIS  | Blank board, display        | 1.1200 | 200
        DIS-OLED | OLED panel, 1.3 inch        | 3.2500 | 100
        BAT-1200 | Lithium cell, 1200 mAh      | 3.7500 | 100
        CAB-JST  | JST cable, 10 cm            | 0.2650 | 500
        CAB-USBC | USB-C cable, 1 m            | 1.3900 | 200
        """,
    ),
    *_parts(
        "HXF",
        """
        SCR-M3X8 | Screw M3×8, stainless       | 0.0312 | 5000
        SCR-M2X6 | Screw M2×6, stainless       | 0.0298 | 5000
        STO-M3   | Standoff M3×10, brass       | 0.1450 | 2000
        FOOT-RUB | Rubber foot                 | 0.0260 | 5000
        CAS-S    | Case, small, ABS            | 1.9500 | 200
        CAS-M    | Case, medium, ABS           | 2.8500 | 200
        BRK-WALL | Wall bracket                | 0.9200 | 300
        """,
    ),
    *_parts(
        "NPK",
        """
        BOX-S    | Carton, small, printed      | 0.4275 | 500
        BOX-M    | Carton, medium, printed     | 0.5850 | 500
        BOX-L    | Carton, large, printed      | 0.9450 | 300
        FOAM-S   | Foam insert                 | 0.2200 | 500
        LEAF-EN  | Leaflet, English            | 0.0640 | 2000
        LEAF-DE  | Leaflet, German             | 0.0640 | 2000
        LABEL-SN | Serial number label         | 0.0180 | 5000
        """,
        kind="raw_material",
    ),
)
RECIPES = (
    Recipe(
        sku="BRD-PWR",
        name="Power board, assembled",
        kind="sub_assembly",
        components=(
            ("PCB-PWR", 1),
            ("REG-3V3", 1),
            ("CHG-LIPO", 1),
            ("CON-USBC", 1),
            ("CON-JST2", 1),
            ("CAP-10U", 4),
            ("CAP-100U", 1),
            ("RES-10K", 4),
            ("RES-1K", 2),
            ("RES-220R", 2),
            ("LED-GRN", 1),
            ("LED-RED", 1),
        ),
        batch=60,
        minutes=4,
    ),
    Recipe(
        sku="BRD-SEN",
        name="Sensor board, assembled",
        kind="sub_assembly",
        components=(
            ("PCB-SEN", 1),
            ("MCU-ARM", 1),
            ("SEN-TEMP", 1),
            ("SEN-HUM", 1),
            ("SEN-PRES", 1),
            ("SEN-LUX", 1),
            ("XTAL-16M", 1),
            ("CAP-22P", 2),
            ("CAP-100N", 8),
            ("CAP-1U", 2),
            ("RES-4K7", 4),
            ("LED-AMB", 1),
            ("CON-HDR8", 1),
        ),
        batch=50,
        minutes=6,
    ),
    Recipe(
        sku="BRD-RAD",
        name="Radio board, assembled",
        kind="sub_assembly",
        components=(
            ("PCB-RAD", 1),
            ("RAD-BLE", 1),
            ("CAP-100N", 4),
            ("CAP-4U7", 2),
            ("CAP-10U", 1),
            ("RES-100R", 2),
            ("CON-HDR8", 1),
        ),
        batch=40,
        minutes=3,
    ),
    Recipe(
        sku="BRD-DIS",
        name="Display board, assembled",
        kind="sub_assembly",
        components=(
            ("PCB-DIS", 1),
            ("DIS-OLED", 1),
            ("DRV-OLED", 1),
            ("SWI-TACT", 3),
            ("CAP-1U", 4),
            ("RES-100K", 2),
            ("SCR-M2X6", 4),
        ),
        batch=30,
        minutes=5,
    ),
    Recipe(
        sku="MOD-CORE",
        name="Core module",
        kind="sub_assembly",
        components=(("BRD-SEN", 1), ("BRD-RAD", 1), ("STO-M3", 4), ("SCR-M3X8", 8)),
        batch=25,
        minutes=3,
    ),
    Recipe(
        sku="MOD-PWR",
        name="Power module",
        kind="sub_assembly",
        components=(("BRD-PWR", 1), ("BAT-1200", 1), ("CAB-JST", 1), ("SCR-M3X8", 2)),
        batch=40,
        minutes=2,
    ),
    Recipe(
        sku="KIT-INDOOR",
        name="Indoor climate kit",
        kind="finished_good",
        components=(
            ("MOD-CORE", 1),
            ("MOD-PWR", 1),
            ("CAS-S", 1),
            ("FOOT-RUB", 4),
            ("CAB-USBC", 1),
            ("BOX-S", 1),
            ("FOAM-S", 1),
            ("LEAF-EN", 1),
            ("LEAF-DE", 1),
            ("LABEL-SN", 1),
        ),
        batch=12,
        minutes=8,
    ),
    Recipe(
        sku="KIT-WALL",
        name="Wall station with display",
        kind="finished_good",
        components=(
            ("MOD-CORE", 1),
            ("MOD-PWR", 1),
            ("BRD-DIS", 1),
            ("CAS-M", 1),
            ("BRK-WALL", 1),
            ("SCR-M3X8", 6),
            ("CAB-USBC", 1),
            ("BOX-M", 1),
            ("FOAM-S", 1),
            ("LEAF-EN", 1),
            ("LEAF-DE", 1),
            ("LABEL-SN", 1),
        ),
        batch=8,
        minutes=12,
    ),
    Recipe(
        sku="KIT-CLASS",
        name="Classroom set of three",
        kind="finished_good",
        components=(("KIT-INDOOR", 3), ("BOX-L", 1), ("LEAF-EN", 1), ("LEAF-DE", 1), ("LABEL-SN", 1)),
        batch=3,
        minutes=5,
    ),
)
