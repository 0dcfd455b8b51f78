"""The pages that people see."""

from importlib import import_module

ROUTERS = tuple(
    import_module(f"api.pages.{name}").router
    for name in (
        "links",
        "codes",
        "entrance",
        "inbox",
        "sending",
        "deciding",
        "handing_over",
        "substitutes",
        "discussions",
        "comparisons",
        "sendings",
        "received",
        "contracts",
        "invoices",
        "exports",
        "invoice_steps",
        "invoice_payments",
        "invoice_versions",
        "invoice_answers",
        "incoming",
        "matches",
        "statements",
        "payments",
        "spending",
        "boards",
        "routes",
        "rates",
        "route_versions",
        "verify",
        "people",
        "settings",
        "mailbox",
    )
)
