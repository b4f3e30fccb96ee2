from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pyotp

from tests.web.people import Visitor, text_of
from tests.web.shop import NOW, PASSWORD, Shop

Visit = Callable[[Shop, str], Visitor]
PAGE = "/account/second-factor"


def set_up(visitor: Visitor) -> tuple[pyotp.TOTP, list[str]]:
    """What a person reads off the page, and the codes that they are shown."""
    visitor.post(f"{PAGE}/begin", page=PAGE)
    page = visitor.get(PAGE).text
    assert 'src="data:image/svg+xml' in page
    key = re.search(r'<code id="key">([A-Z2-7 ]+)</code>', page)
    assert key is not None
    app = pyotp.TOTP(key[1].replace(" ", ""))
    shown = visitor.post(PAGE, {"code": app.at(NOW)}, page=PAGE).text
    codes = re.findall(r"<li><code>([a-z0-9-]{17})</code></li>", shown)
    assert len(codes) == 10
    return app, codes


def begin(shop: Shop, role: str = "viewer", wanted: str = "") -> Visitor:
    """Somebody who has typed the password, and must type a code."""
    visitor = Visitor(shop)
    form = {"email": f"{role}@lumen.example", "password": PASSWORD, "next": wanted}
    assert visitor.post("/sign-in", form, page="/sign-in").location == "/sign-in/code"
    return visitor


def test_a_sign_in_takes_password_and_code(shop: Shop, visit: Visit) -> None:
    app, codes = set_up(visit(shop, "viewer"))
    visitor = begin(shop, wanted="/lots")
    assert visitor.get("/products").status_code == 303, "half is not enough"
    refused = visitor.post("/sign-in/code", {"code": "000000"}, page="/sign-in/code")
    assert refused.status_code == 403
    code = app.at(NOW + dt.timedelta(seconds=30))
    entered = visitor.post("/sign-in/code", {"code": code}, page="/sign-in/code")
    assert (entered.status_code, entered.location) == (303, "/lots")
    assert visitor.get("/products").status_code == 200
    assert begin(shop).post("/sign-in/code", {"code": code}, page="/sign-in/code").status_code == 403
    assert begin(shop).post("/sign-in/code", {"code": codes[0]}, page="/sign-in/code").status_code == 303


def test_codes_are_guessed_five_times_only_wherever_from(shop: Shop, visit: Visit) -> None:
    _, codes = set_up(visit(shop, "viewer"))
    answers = []
    for _ in range(3):
        visitor = begin(shop)
        answers += [visitor.post("/sign-in/code", {"code": "1"}, page="/sign-in/code").status_code for _ in range(2)]
    assert answers == [403] * 5 + [429]
    assert begin(shop).post("/sign-in/code", {"code": codes[0]}, page="/sign-in/code").status_code == 429


def test_without_the_first_half_there_is_no_second(shop: Shop) -> None:
    visitor = Visitor(shop)
    token = visitor.token("/sign-in")
    answer = visitor.client.post("/sign-in/code", data={"code": "000000", "csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_it_is_turned_off_with_the_password_or_by_the_owner(shop: Shop, visit: Visit) -> None:
    viewer, admin, owner = visit(shop, "viewer"), visit(shop, "admin"), visit(shop, "owner")
    set_up(viewer)
    assert viewer.post(f"{PAGE}/off", {"factor_password": "wrong"}, page=PAGE).status_code == 422
    assert "Take it off" not in admin.get("/settings/users/5").text
    assert admin.post("/settings/users/5/take-off-second-factor", page=PAGE).status_code == 403
    assert "Take it off" in owner.get("/settings/users/5").text
    owner.post("/settings/users/5/take-off-second-factor", page=PAGE)
    assert Visitor.signed_in(shop, "viewer").get("/products").status_code == 200
    set_up(viewer)
    viewer.post(f"{PAGE}/off", {"factor_password": PASSWORD}, page=PAGE)
    assert "Off. With an authenticator app" in text_of(viewer.get("/account"))


def test_the_secret_is_not_shown_once_it_counts(shop: Shop, visit: Visit) -> None:
    viewer = visit(shop, "viewer")
    app, codes = set_up(viewer)
    page = viewer.get(PAGE).text
    assert "data:image/svg" not in page
    assert app.secret[:4] + " " not in page
    assert codes[0] not in page
    again = viewer.post(f"{PAGE}/begin", page=PAGE)
    assert again.status_code == 409
    assert viewer.post(PAGE, {"code": app.at(NOW)}, page=PAGE).status_code == 409
