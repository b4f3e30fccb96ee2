from __future__ import annotations

import base64
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partsemble_core.plugin_api.secret import Secret
from partsemble_core.vault import BadKeys, Place, SealBroken, Vault

PLACE = Place(table="token_sets", column="refresh_sealed", row_key="r1", company_id=7)
CANARY = Secret("canary-refresh-token")


def a_key(name: str = "k1", *, filled_with: bytes | None = None) -> str:
    return f"{name}:{base64.b64encode(filled_with or os.urandom(32)).decode()}"


FIRST, SECOND = a_key("k1"), a_key("k2")
VAULT = Vault(Secret(FIRST))


def is_broken(vault: Vault, sealed: str, place: Place = PLACE) -> bool:
    """Whether it is refused in the one way there is."""
    with pytest.raises(SealBroken) as caught:
        vault.unseal(sealed, place)
    assert caught.value.code == "seal-broken"
    assert "canary" not in str(caught.value)
    return True


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_a_secret_comes_out_as_it_went_in(text: str) -> None:
    assert VAULT.unseal(VAULT.seal(Secret(text), PLACE), PLACE) == Secret(text)


def test_a_seal_shows_its_version_and_key_and_nothing_else() -> None:
    sealed = VAULT.seal(CANARY, PLACE)
    version, name, body = sealed.split(".")
    assert (version, name) == ("v1", "k1")
    assert len(base64.urlsafe_b64decode(body)) == 12 + len(CANARY.reveal()) + 16
    assert b"canary" not in base64.urlsafe_b64decode(body)


def test_no_two_seals_are_alike() -> None:
    assert len({VAULT.seal(CANARY, PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "moved",
    [
        replace(PLACE, table="grants"),
        replace(PLACE, column="access_sealed"),
        replace(PLACE, row_key="r2"),
        replace(PLACE, company_id=8),
    ],
    ids=["table", "column", "row", "company"],
)
def test_a_seal_that_was_moved_does_not_open(moved: Place) -> None:
    sealed = VAULT.seal(CANARY, PLACE)
    assert is_broken(VAULT, sealed, moved)
    assert VAULT.unseal(sealed, PLACE) == CANARY


@pytest.mark.parametrize("length", [19, 20, 21])
def test_a_seal_of_which_one_character_was_changed_does_not_open(length: int) -> None:
    """Every character, the last ones too, whose spare bits mean nothing in base64."""
    sealed = VAULT.seal(Secret("x" * length), PLACE)
    for i, letter in enumerate(sealed):
        for other in ("A", "B", "!", "=", chr(ord(letter) ^ 1)):
            if other != letter:
                assert is_broken(VAULT, sealed[:i] + other + sealed[i + 1 :])


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "A", lambda s: s + "\n", lambda s: s[:-4]])
def test_a_seal_that_was_cut_or_lengthened_does_not_open(change: object) -> None:
    assert callable(change)
    assert is_broken(VAULT, change(VAULT.seal(CANARY, PLACE)))


@pytest.mark.parametrize(
    "nonsense", ["", "v1", "v1.k1", "v1.k1.", "v1.k1.AAAA", "v2.k1.AAAA", "..", "\ud800", "v1.k1.é"]
)
def test_what_is_no_seal_does_not_open(nonsense: str) -> None:
    assert is_broken(VAULT, nonsense)


def test_after_a_new_key_old_seals_open_and_new_ones_bear_its_name() -> None:
    old = VAULT.seal(CANARY, PLACE)
    rotated = Vault(Secret(f"{SECOND}, {FIRST}"))
    assert rotated.unseal(old, PLACE) == CANARY
    assert rotated.seal(CANARY, PLACE).startswith("v1.k2.")
    assert Vault(Secret(SECOND)).unseal(rotated.seal(CANARY, PLACE), PLACE) == CANARY


def test_a_seal_of_a_key_that_was_taken_away_says_which_to_add() -> None:
    sealed = Vault(Secret(SECOND)).seal(CANARY, PLACE)
    with pytest.raises(SealBroken, match=r"key 'k2', which isn't in PARTSEMBLE_KEYS\. Add it"):
        VAULT.unseal(sealed, PLACE)


def test_another_key_of_the_same_name_does_not_open_it() -> None:
    assert is_broken(Vault(Secret(a_key("k1"))), VAULT.seal(CANARY, PLACE))


def test_a_seal_cannot_be_passed_off_as_another_keys() -> None:
    same = bytes(32)
    both = Vault(Secret(f"{a_key('a', filled_with=same)},{a_key('b', filled_with=same)}"))
    sealed = both.seal(CANARY, PLACE)
    assert is_broken(both, sealed.replace("v1.a.", "v1.b."))


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "k1",
        "k1:",
        "k1:AAAA",
        "k1:" + base64.b64encode(bytes(31)).decode(),
        "k1:" + base64.b64encode(bytes(33)).decode(),
        "k1:" + "!" * 44,
        "k1:é",
        ":" + base64.b64encode(bytes(32)).decode(),
        "k.1:" + base64.b64encode(bytes(32)).decode(),
        f"{FIRST},",
        f"{FIRST},{a_key('k1')}",
    ],
    ids=[
        "none",
        "no colon",
        "no bytes",
        "3 bytes",
        "31 bytes",
        "33 bytes",
        "no base64",
        "no ASCII",
        "no name",
        "a dot in the name",
        "an empty part",
        "a name twice",
    ],  # the keys themselves are dice: as names of tests they would differ between the processes of a run
)
def test_keys_that_cannot_be_used_are_refused_with_the_way_to_make_one(keys: str) -> None:
    with pytest.raises(BadKeys, match="PARTSEMBLE_KEYS") as caught:
        Vault(Secret(keys))
    assert caught.value.code == "bad-keys"
    assert keys.partition(":")[2][:12] not in str(caught.value) or not keys.partition(":")[2]


def test_a_vault_prints_the_names_of_its_keys_only() -> None:
    assert repr(Vault(Secret(f"{FIRST},{SECOND}"))) == "Vault(k1, k2)"
