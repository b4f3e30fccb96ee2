from __future__ import annotations

import json
from typing import Any

import pytest

from partsemble_xero.sandbox.testing import RunningSandbox, SandboxRefused
from tests.plugins.xero.sandbox.client import KITS, SECOND, App, messages

FIRST = ["Acme Components", "Bolt & Nut Co", "Kiwi Instruments", "Ridgeway University", "Éclair Électronique"]
TAKEN = (
    "The contact name Acme Components is already assigned to another contact. The contact name must be unique across"
    " all active contacts."
)


def names(app: App, **query: str) -> list[str]:
    answer = app.call("GET", "/Contacts", query=query)
    assert answer.status_code == 200, answer.text
    return [each["Name"] for each in answer.json()["Contacts"]]


def put(app: App, **fields: object) -> Any:
    return app.call("PUT", "/Contacts", {"Contacts": [fields]})


def made(app: App, **fields: object) -> dict[str, Any]:
    answer = put(app, **fields)
    assert answer.status_code == 200, answer.text
    (contact,) = answer.json()["Contacts"]
    found: dict[str, Any] = contact
    return found


def test_archived_contacts_come_only_when_asked_for(app: App) -> None:
    assert names(app) == FIRST
    everyone = names(app, includeArchived="true")
    assert sorted(everyone) == sorted([*FIRST, "Old Foundry Ltd"])


def test_a_list_is_searched_filtered_ordered_and_paged(app: App) -> None:
    assert names(app, searchTerm="KIWI") == ["Kiwi Instruments"]
    assert names(app, searchTerm="éclair é") == ["Éclair Électronique"]
    assert names(app, where='Name=="Bolt & Nut Co"') == ["Bolt & Nut Co"]
    assert names(app, where="IsCustomer==true AND IsSupplier==true") == ["Kiwi Instruments"]
    assert names(app, order="Name DESC", page="2", pageSize="2") == ["Kiwi Instruments", "Bolt & Nut Co"]
    answer = app.call("GET", "/Contacts", query={"page": "3", "pageSize": "2"}).json()
    assert answer["pagination"] == {"page": 3, "pageSize": 2, "pageCount": 3, "itemCount": 5}
    ids = [each["contact_id"] for each in app.sandbox.contacts(KITS) if each["name"] in FIRST[:2]]
    assert names(app, IDs=",".join(ids)) == FIRST[:2]
    assert app.call("GET", "/Contacts", query={"IDs": "nonsense"}).status_code == 400


def test_only_what_changed_since_is_listed(app: App) -> None:
    app.sandbox.advance(60)
    made(app, Name="Later Ltd")
    since = {"If-Modified-Since": app.sandbox.admin("GET", "clock")["now"]}
    found = app.call("GET", "/Contacts", headers=since).json()["Contacts"]
    assert [each["Name"] for each in found] == ["Later Ltd"]


def test_a_contact_is_created_and_read_by_id_and_by_number(app: App) -> None:
    phone = {"PhoneType": "MOBILE", "PhoneNumber": "555-1212"}
    contact = made(app, Name='The "Best" Part \\ Co', ContactNumber="SUP-1", EmailAddress="a@b.example", Phones=[phone])
    assert (contact["ContactStatus"], contact["IsSupplier"], contact["HasValidationErrors"]) == ("ACTIVE", False, False)
    assert phone in contact["Phones"]
    for named in (contact["ContactID"], contact["ContactID"].upper(), "SUP-1"):
        (found,) = app.call("GET", f"/Contacts/{named}").json()["Contacts"]
        assert found == contact
    assert names(app, where=r'Name=="The \"Best\" Part \\ Co"') == [contact["Name"]]
    assert app.call("GET", "/Contacts/NOPE").status_code == 404
    assert App(app.sandbox, organisation=SECOND).call("GET", "/Contacts/SUP-1").status_code == 404


def test_a_name_is_taken_whatever_its_case_and_free_again_when_archived(app: App) -> None:
    assert messages(put(app, Name="Acme Components")) == [TAKEN]
    assert messages(put(app, Name="ACME components")) == [TAKEN.replace("Acme Components", "ACME components")]
    (acme,) = [each["contact_id"] for each in app.sandbox.contacts(KITS) if each["name"] == "Acme Components"]
    app.sandbox.change_contact(KITS, acme, status="ARCHIVED")
    assert made(app, Name="Acme Components")["ContactID"] != acme
    with pytest.raises(SandboxRefused):
        app.sandbox.change_contact(KITS, acme, status="ACTIVE")


def test_a_contact_number_is_taken_also_by_an_archived_contact(app: App) -> None:
    first = made(app, Name="One", ContactNumber="SUP-1")
    app.sandbox.change_contact(KITS, first["ContactID"], status="ARCHIVED")
    (message,) = messages(put(app, Name="Two", ContactNumber="SUP-1"))
    assert message.startswith("Another contact has this contact number")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Name": ""},
        {"Name": "x" * 256},
        {"Name": "A <b>"},
        {"Name": " Lead"},
        {"Name": "Trail "},
        {"Name": "Two  spaces"},
        {"Name": "N", "ContactNumber": "9" * 51},
        {"Name": "N", "EmailAddress": "nobody"},
        {"Name": "N", "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "1" * 51}]},
        {"Name": "N", "Addresses": [{"AddressType": "STREET", "Country": "NZ1"}]},
        {"Name": "N", "ContactStatus": "ASLEEP"},
    ],
)
def test_what_xero_does_not_take_is_refused_and_nothing_is_kept(app: App, fields: dict[str, object]) -> None:
    before = app.sandbox.contacts(KITS)
    assert messages(put(app, **fields))
    assert app.sandbox.contacts(KITS) == before


@pytest.mark.parametrize(
    "body", [[], "x", {"Contacts": []}, {"Contacts": ["x"]}, {"Name": 7}, {"Name": "N", "Phones": [1]}]
)
def test_a_body_of_another_form_is_refused(app: App, body: object) -> None:
    answer = app.call("PUT", "/Contacts", body)
    assert (answer.status_code, answer.json()["Type"]) == (400, "PostDataInvalidException")


def test_each_contact_answers_for_itself(app: App) -> None:
    body = {"Contacts": [{"Name": "Acme Components"}, {"Name": "Fresh Ltd"}]}
    assert app.call("PUT", "/Contacts", body).status_code == 400
    assert "Fresh Ltd" not in names(app)
    shown = app.call("PUT", "/Contacts", body, query={"summarizeErrors": "false"}).json()["Contacts"]
    assert [each["StatusAttributeString"] for each in shown] == ["ERROR", "OK"]
    assert shown[0]["ValidationErrors"] == [{"Message": TAKEN}]
    assert "Fresh Ltd" in names(app)


def test_a_key_makes_a_repeated_put_one_contact(app: App) -> None:
    body = {"Contacts": [{"Name": "Once Ltd"}]}
    answers = [app.call("PUT", "/Contacts", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json()["Contacts"] == answers[1].json()["Contacts"]
    assert names(app).count("Once Ltd") == 1


def test_post_changes_what_is_sent_and_persons_left_out_go(app: App) -> None:
    person = {"FirstName": "Ann", "EmailAddress": "ann@x.example"}
    contact = made(app, Name="Old", ContactNumber="SUP-9", EmailAddress="old@x.example", ContactPersons=[person])
    assert contact["ContactPersons"] == [person]
    answer = app.call("POST", f"/Contacts/{contact['ContactID']}", {"Name": "New"})
    (changed,) = answer.json()["Contacts"]
    assert (changed["Name"], changed["EmailAddress"], changed["ContactPersons"]) == ("New", "old@x.example", [])
    by_number = {"Contacts": [{"ContactNumber": "SUP-9", "Name": "Newer"}]}
    assert app.call("POST", "/Contacts", by_number).json()["Contacts"][0]["ContactID"] == contact["ContactID"]


def test_a_merged_contact_names_the_other_when_paging_or_alone(app: App) -> None:
    one, two = made(app, Name="One"), made(app, Name="Two")
    app.sandbox.change_contact(KITS, one["ContactID"], merged_into=two["ContactID"])
    paged = {"where": 'Name=="One"', "includeArchived": "true"}
    plain = app.call("GET", "/Contacts", query=paged).json()["Contacts"][0]
    assert (plain["ContactStatus"], "MergedToContactID" in plain) == ("ARCHIVED", False)
    assert (
        app.call("GET", "/Contacts", query={**paged, "page": "1"}).json()["Contacts"][0]["MergedToContactID"]
        == (two["ContactID"])
    )
    alone = app.call("GET", f"/Contacts/{one['ContactID']}").json()["Contacts"][0]
    assert alone["MergedToContactID"] == two["ContactID"]
    assert messages(app.call("POST", f"/Contacts/{one['ContactID']}", {"Name": "Again"}))


class Narrow(App):
    """An app that was allowed one scope and no other."""

    def __init__(self, sandbox: RunningSandbox, scope: str) -> None:
        self.sandbox = sandbox
        self.tokens = sandbox.sign_in(organisation=KITS, scopes=f"openid {scope}")
        self.tenant_id = sandbox.tenant_id(KITS)


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("accounting.settings.read", [401, 401]),
        ("accounting.contacts.read", [200, 401]),
        ("accounting.contacts", [200, 200]),
    ],
)
def test_reading_needs_one_of_two_scopes_and_writing_the_wider(
    sandbox: RunningSandbox, scope: str, statuses: list[int]
) -> None:
    app = Narrow(sandbox, scope)
    assert [app.call("GET", "/Contacts").status_code, put(app, Name="Fresh").status_code] == statuses


def test_a_person_adds_renames_and_archives(app: App) -> None:
    contact_id = app.sandbox.add_contact(KITS, "By hand", email="hand@x.example", is_supplier=True)
    app.sandbox.change_contact(KITS, contact_id, name="Renamed")
    (found,) = [each for each in app.sandbox.contacts(KITS) if each["contact_id"] == contact_id]
    assert (found["name"], found["email"], found["is_supplier"], found["status"]) == (
        "Renamed",
        "hand@x.example",
        True,
        "ACTIVE",
    )
    app.sandbox.change_contact(KITS, contact_id, status="ARCHIVED")
    assert "Renamed" not in names(app)


@pytest.mark.parametrize(
    "fields",
    [{"name": "Acme Components"}, {"name": ""}, {"name": 7}, {"status": "ASLEEP"}, {"merged_into": "nobody"}],
)
def test_a_person_is_told_what_can_not_be(sandbox: RunningSandbox, fields: dict[str, object]) -> None:
    contact_id = sandbox.contacts(KITS)[1]["contact_id"]
    before = sandbox.contacts(KITS)
    with pytest.raises(SandboxRefused) as caught:
        sandbox.change_contact(KITS, contact_id, **fields)
    assert (caught.value.status, json.loads(caught.value.text)["error"]["code"]) == (400, "contact-not-valid")
    assert sandbox.contacts(KITS) == before


def test_a_contact_that_is_not_there_is_a_404(sandbox: RunningSandbox) -> None:
    with pytest.raises(SandboxRefused) as caught:
        sandbox.change_contact(KITS, "nobody", name="X")
    assert caught.value.status == 404
