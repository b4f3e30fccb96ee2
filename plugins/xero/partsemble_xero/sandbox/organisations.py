"""Organisation: whose books these are, their currency and their lock dates."""

from __future__ import annotations

from .accounts import SETTINGS_READ
from .endpoint import Call, Endpoint, Route
from .problems import Answer
from .tenants import Tenant
from .wire import bare_instant, calendar_date


def get_organisation(call: Call) -> Answer:
    """GET /Organisation: the one that the tenant header names."""
    return call.answer({"Organisations": [_shown(call.tenant)]})


def _shown(tenant: Tenant) -> dict[str, object]:
    region = tenant.region
    shown = {
        "Name": tenant.name,
        "LegalName": tenant.name,
        "PaysTax": True,
        "Version": region.version,
        "OrganisationType": "COMPANY",
        "BaseCurrency": tenant.currency,
        "CountryCode": region.country,
        "IsDemoCompany": True,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": 31,
        "FinancialYearEndMonth": 3,
        "DefaultSalesTax": "Tax Exclusive",
        "DefaultPurchasesTax": "Tax Exclusive",
        "PeriodLockDate": tenant.period_lock and calendar_date(tenant.period_lock),
        "EndOfYearLockDate": tenant.end_of_year_lock and calendar_date(tenant.end_of_year_lock),
        "CreatedDateUTC": bare_instant(tenant.created_ms),
        "Timezone": region.timezone,
        "OrganisationEntityType": "COMPANY",
        "ShortCode": tenant.short_code,
        "OrganisationID": tenant.organisation_id,
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    }
    return {name: value for name, value in shown.items() if value is not None}


ENDPOINT = Endpoint(
    name="Organisation",
    routes=(Route(method="GET", path="/Organisation", handler=get_organisation, scopes=SETTINGS_READ),),
)
