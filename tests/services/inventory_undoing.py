"""What the oracle knows of undoing: a document goes as if it had never been, or it is said what is in the way."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

from tests.services.inventory_cards import ZERO, Key, No
from tests.services.inventory_oracle import Oracle


def undo(stock: Oracle, kind: str, number: int, day: dt.date) -> None:
    """Reverses the receipt, build or adjustment on a day."""
    state = _state(stock, kind, number)
    if state == "reversed":
        raise No("conflict")
    if state not in ("confirmed", "completed"):
        raise No("wrong-state")
    if kind == "adjustment":
        _undo_change(stock, number, day)
    else:
        _undo_lots(stock, kind, number, day)


def _state(stock: Oracle, kind: str, number: int) -> str:
    if kind == "receipt":
        return stock.receipts[number][1]
    return stock.makings[number].state if kind == "build" else stock.changes[number].state


def _undo_change(stock: Oracle, number: int, day: dt.date) -> None:
    change = stock.changes[number]
    card = stock.cards[change.card]
    quantity, cost = card.quantity - change.quantity, card.cost - change.cost
    if quantity < 0 or cost < 0 or (quantity == 0 and cost != 0):
        raise No("document-in-use")
    if day < change.day or (change.quantity > 0 and stock.least_since(card.number, day) < change.quantity):
        raise No("invalid")
    change.state = "reversed"
    stock.write(card.number, day, -change.quantity, -change.cost, ("adjustment", number))


def _undo_lots(stock: Oracle, kind: str, number: int, day: dt.date) -> None:
    """The lots that it opened end, with all that was split off them; what it took goes back."""
    document: Key = (kind, number)
    family = _family(stock, document)
    if blocking := _still_moving(stock, family, document):
        raise No("document-in-use", in_the_way=blocking)
    made_on = stock.receipts[number][0] if kind == "receipt" else stock.makings[number].day
    if made_on is None or day < made_on:
        raise No("invalid")
    if any(stock.least_since(card, day) < stock.cards[card].quantity for card in family):
        raise No("invalid")
    for number_of_card in family:
        card = stock.cards[number_of_card]
        if card.quantity:
            stock.write(card.number, day, -card.quantity, -card.cost, document)
        card.is_reversed, card.is_held = True, False
    if kind == "receipt":
        stock.receipts[number] = (made_on, "reversed")
        return
    for taking in stock.makings[number].takings:
        taking.back = (taking.quantity, taking.cost)
        stock.write(taking.card, day, *taking.back, document)
    stock.makings[number].state = "reversed"


def _family(stock: Oracle, document: Key) -> list[int]:
    family: list[int] = []
    for card in stock.cards:  # what is split off comes after what it is split off from
        if card.origin == document or card.parent in family:
            family.append(card.number)
    return family


def _still_moving(stock: Oracle, family: list[int], document: Key) -> list[Key]:
    """Other documents that moved something there altogether, in the order in which they came."""
    moved: dict[Key, tuple[Fraction, Fraction]] = {}
    for note in stock.diary:
        if note.card in family and note.document != document:
            quantity, cost = moved.get(note.document, (ZERO, ZERO))
            moved[note.document] = (quantity + note.quantity, cost + note.cost)
    return [key for key, sums in moved.items() if any(sums)]
