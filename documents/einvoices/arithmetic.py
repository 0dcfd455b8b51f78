"""How the amounts of an invoice come about, step by step: what was multiplied or added, where it was rounded.

The method is the one of EN 16931-1: a line's net amount is rounded to the currency's smallest unit, half away from
zero; tax is reckoned once for each category and rate, from what is taxable in it, never for each line. Where each line
states its own tax (Korean invoices), the sum of these is the tax. Nothing here is a binary float.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext

from babel.numbers import get_currency_precision

from documents.amounts import quantity
from documents.einvoices.data import AllowanceCharge, Invoice, Line, TaxSubtotal
from documents.einvoices.findings import Finding, Severity

ZERO = Decimal(0)
HUNDRED = Decimal(100)
PRECISION = 60
"""Digits that intermediate results keep: those of the widest amounts that are read, multiplied."""


@dataclass(frozen=True)
class Step:
    """One amount: how it is reckoned, and what the invoice says it is."""

    rule: str
    """Ours, in small letters; `source` names the standard's."""
    label: str
    """An English message id: which amount this is."""
    values: Mapping[str, str]
    """For the places of the label and of the sentences: line, category."""
    formula: str
    """With numbers: 16 × 348.35 − 222.94."""
    exact: Decimal
    result: Decimal
    """`exact`, rounded to the currency's smallest unit."""
    stated: Decimal | None
    """None: the invoice does not say it, so there is nothing to compare."""
    source: str = ""
    by_lines: Decimal | None = None
    """Of a tax: what comes out when the tax of each line is rounded by itself."""
    slack: Decimal = ZERO
    """By which the stated amount may differ."""

    @property
    def agrees(self) -> bool:
        """What the invoice says is what comes out, or differs by no more than `slack`."""
        return self.stated is None or abs(self.stated - self.result) <= self.slack

    @property
    def rounded(self) -> bool:
        """Whether something was left over beyond the smallest unit."""
        return self.exact != self.result


@dataclass(frozen=True)
class _Reckoner:
    invoice: Invoice
    unit: Decimal
    steps: list[Step] = field(default_factory=list)

    def rounded(self, value: Decimal) -> Decimal:
        return value.quantize(self.unit, ROUND_HALF_UP)

    def shown(self, value: Decimal) -> str:
        return shown(value, self.unit)

    def step(
        self,
        rule: str,
        label: str,
        formula: str,
        exact: Decimal,
        stated: Decimal | None,
        *,
        values: Mapping[str, str] | None = None,
        source: str = "",
        by_lines: Decimal | None = None,
        slack: Decimal = ZERO,
    ) -> Decimal:
        """Note the step; what it results in."""
        result = self.rounded(exact)
        self.steps.append(Step(rule, label, values or {}, formula, exact, result, stated, source, by_lines, slack))
        return result


def explain(invoice: Invoice) -> tuple[Step, ...]:
    """Every amount that can be reckoned from others, in the order of an invoice: lines, sums, taxes, what is due."""
    with localcontext() as context:
        context.prec = PRECISION
        reckoner = _Reckoner(invoice, smallest_unit(invoice.currency))
        _lines(reckoner)
        _allowances_of_the_document(reckoner)
        _sums(reckoner)
        _taxes(reckoner)
        _due(reckoner)
        return tuple(reckoner.steps)


def wrong_sums(steps: Sequence[Step], currency: str) -> Iterator[Finding]:
    """The steps that come out otherwise than the invoice says, with their numbers."""
    unit = smallest_unit(currency)
    for step in steps:
        if step.agrees or step.stated is None:
            continue
        values = {
            **step.values,
            "formula": step.formula,
            "result": shown(step.result, unit),
            "stated": shown(step.stated, unit),
        }
        sentence, severity = SENTENCES[step.rule]
        if step.by_lines is not None and step.stated == step.by_lines:
            sentence = TAX_BY_LINES
        yield Finding(step.rule, severity, sentence, values, text=step.source)


TAX_BY_LINES = (
    "VAT %(category)s: %(formula)s makes %(result)s. The %(stated)s of the invoice come out when the tax of each line "
    "is rounded by itself; the standard rounds once, from the sum."
)
SENTENCES: Mapping[str, tuple[str, Severity]] = {
    "price": ("Line %(line)s: the price is %(formula)s = %(result)s, but the invoice says %(stated)s.", "warning"),
    "line-allowance": ("Line %(line)s: %(formula)s makes %(result)s, but the invoice says %(stated)s.", "warning"),
    "line-net": ("Line %(line)s: %(formula)s makes %(result)s, but the invoice says %(stated)s.", "warning"),
    "line-tax": ("The tax of line %(line)s: %(formula)s makes %(result)s, but the invoice says %(stated)s.", "warning"),
    "allowance": (
        "An allowance or charge of %(formula)s makes %(result)s, but the invoice says %(stated)s.",
        "warning",
    ),
    "line-sum": ("The lines add up to %(result)s, but the invoice says %(stated)s.", "error"),
    "allowance-sum": ("The allowances add up to %(result)s, but the invoice says %(stated)s.", "error"),
    "charge-sum": ("The charges add up to %(result)s, but the invoice says %(stated)s.", "error"),
    "net-total": ("Without VAT, %(formula)s makes %(result)s, but the invoice says %(stated)s.", "error"),
    "taxable": ("VAT %(category)s: %(formula)s are taxed, %(result)s, but the invoice says %(stated)s.", "error"),
    "tax": ("VAT %(category)s: %(formula)s makes %(result)s, but the invoice says %(stated)s.", "warning"),
    "tax-sum": ("The VAT adds up to %(result)s, but the invoice says %(stated)s.", "error"),
    "gross-total": ("With VAT, %(formula)s makes %(result)s, but the invoice says %(stated)s.", "error"),
    "payable": ("To be paid: %(formula)s makes %(result)s, but the invoice says %(stated)s.", "error"),
}


def smallest_unit(currency: str) -> Decimal:
    """0.01 of EUR, 1 of KRW and JPY, 0.001 of KWD (ISO 4217)."""
    return Decimal(1).scaleb(-get_currency_precision(currency))


def shown(value: Decimal, unit: Decimal) -> str:
    """With thousands, the currency's decimals, and more where the number has more."""
    least = -int(unit.as_tuple().exponent)
    own = -int(value.normalize().as_tuple().exponent)
    return f"{value:,.{max(least, own)}f}".replace("-", "−")


def plain(value: Decimal) -> str:
    """A quantity or a rate: no decimals that say nothing."""
    return quantity(value).replace("-", "−")


def counts(line: Line) -> bool:
    """Whether a line adds to the totals: groups and mere information do not (EXTENDED)."""
    return line.role in ("", "detail")


def _lines(to: _Reckoner) -> None:
    for place, line in enumerate(to.invoice.lines, 1):
        values = {"line": line.id or str(place)}
        price = line.price
        if price.gross is not None and price.discount is not None and price.net is not None:
            difference = price.gross - price.discount
            # prices have as many decimals as they need
            to.steps.append(
                Step(
                    "price",
                    "Price of line %(line)s",
                    values,
                    f"{to.shown(price.gross)} − {to.shown(price.discount)}",
                    difference,
                    difference,
                    price.net,
                    "EN 16931-1 BT-146",
                )
            )
        for each in (*line.allowances, *line.charges):
            _percentage(to, each, "line-allowance", "Allowance or charge of line %(line)s", values)
        _line_net(to, line, values)
        if line.tax_amount is not None and line.tax is not None and line.tax.rate is not None and line.net_amount:
            to.step(
                "line-tax",
                "Tax of line %(line)s",
                f"{to.shown(line.net_amount)} × {plain(line.tax.rate)} %",
                line.net_amount * line.tax.rate / HUNDRED,
                line.tax_amount,
                values=values,
                slack=to.unit,  # the won below a tenth may be left out
            )


def _line_net(to: _Reckoner, line: Line, values: Mapping[str, str]) -> None:
    price = line.price
    if line.quantity is None or price.net is None or not counts(line):
        return
    if any(each.amount is None for each in (*line.allowances, *line.charges)):
        return
    base = price.base_quantity.value if price.base_quantity else Decimal(1)
    if not base:
        return
    formula = f"{plain(line.quantity.value)} × {to.shown(price.net)}"
    if base != 1:
        formula += f" / {plain(base)}"
    exact = line.quantity.value * price.net / base
    for each in line.allowances:
        exact -= each.amount or ZERO
        formula += f" − {to.shown(each.amount or ZERO)}"
    for each in line.charges:
        exact += each.amount or ZERO
        formula += f" + {to.shown(each.amount or ZERO)}"
    to.step(
        "line-net",
        "Invoice line %(line)s",
        formula,
        exact,
        line.net_amount,
        values=values,
        source="EN 16931-1 BT-131",
        slack=to.unit,  # the price that is shown may itself be rounded
    )


def _percentage(
    to: _Reckoner, each: AllowanceCharge, rule: str, label: str, values: Mapping[str, str] | None = None
) -> None:
    if each.percent is None or each.base_amount is None or each.amount is None:
        return
    to.step(
        rule,
        label,
        f"{to.shown(each.base_amount)} × {plain(each.percent)} %",
        each.base_amount * each.percent / HUNDRED,
        each.amount,
        values=values,
        slack=to.unit,
    )


def _allowances_of_the_document(to: _Reckoner) -> None:
    for each in to.invoice.allowances:
        _percentage(to, each, "allowance", "Allowance on the whole")
    for each in to.invoice.charges:
        _percentage(to, each, "allowance", "Charge on the whole")


def _sums(to: _Reckoner) -> None:
    invoice, totals = to.invoice, to.invoice.totals
    counting = [line for line in invoice.lines if counts(line)]
    nets = [line.net_amount for line in counting if line.net_amount is not None]
    slack = _slack(to, len(nets))
    if nets and len(nets) == len(counting):
        to.step(
            "line-sum",
            "Sum of the lines",
            _added(to, nets),
            sum(nets, ZERO),
            totals.lines,
            source="BR-CO-10",
            slack=slack,
        )
    for rule, label, several, stated, source in (
        ("allowance-sum", "Sum of allowances", invoice.allowances, totals.allowances, "BR-CO-11"),
        ("charge-sum", "Sum of charges", invoice.charges, totals.charges, "BR-CO-12"),
    ):
        amounts = [each.amount for each in several if each.amount is not None]
        if amounts and len(amounts) == len(several):
            to.step(rule, label, _added(to, amounts), sum(amounts, ZERO), stated, source=source, slack=slack)
    lines = totals.lines if totals.lines is not None else (sum(nets, ZERO) if nets else None)
    if lines is not None:
        allowances, charges = totals.allowances or ZERO, totals.charges or ZERO
        to.step(
            "net-total",
            "Total without VAT",
            _signed(to, lines, (-allowances, charges)),
            lines - allowances + charges,
            totals.without_tax,
            source="BR-CO-13",
            slack=slack,
        )


def _taxes(to: _Reckoner) -> None:
    invoice, totals = to.invoice, to.invoice.totals
    for each in invoice.taxes:
        values = {"category": _category(each)}
        parts = _taxed(invoice, each)
        if parts is not None and parts:
            to.step(
                "taxable",
                "Taxable amount, VAT %(category)s",
                _added(to, parts),
                sum(parts, ZERO),
                each.taxable,
                values=values,
                source="BR-S-08",
                slack=_slack(to, len(parts)),
            )
        if each.taxable is not None and each.rate is not None and each.kind == "VAT":
            to.step(
                "tax",
                "Tax, VAT %(category)s",
                f"{to.shown(each.taxable)} × {plain(each.rate)} %",
                each.taxable * each.rate / HUNDRED,
                each.tax,
                values=values,
                source="BR-CO-17",
                by_lines=_by_lines(to, parts, each.rate),
            )
    each_tax = [each.tax for each in invoice.taxes if each.tax is not None]
    of_lines = [line.tax_amount for line in invoice.lines if line.tax_amount is not None]
    if each_tax and len(each_tax) == len(invoice.taxes):
        to.step("tax-sum", "VAT total", _added(to, each_tax), sum(each_tax, ZERO), totals.tax, source="BR-CO-14")
    elif of_lines and len(of_lines) == len(invoice.lines):
        to.step("tax-sum", "VAT total", _added(to, of_lines), sum(of_lines, ZERO), totals.tax)


def _by_lines(to: _Reckoner, parts: Sequence[Decimal] | None, rate: Decimal) -> Decimal | None:
    if not parts:
        return None
    return sum((to.rounded(each * rate / HUNDRED) for each in parts), ZERO)


def _taxed(invoice: Invoice, subtotal: TaxSubtotal) -> list[Decimal] | None:
    """Lines, allowances (negative) and charges of this category and rate. None: of something it is not known."""
    parts: list[Decimal] = []
    several = [
        *((line.tax, line.net_amount) for line in invoice.lines if counts(line)),
        *((each.tax, None if each.amount is None else -each.amount) for each in invoice.allowances),
        *((each.tax, each.amount) for each in invoice.charges),
    ]
    for tax, amount in several:
        if tax is None or amount is None:
            return None
        if (tax.code, tax.rate or ZERO, tax.kind) == (subtotal.category, subtotal.rate or ZERO, subtotal.kind):
            parts.append(amount)
    return parts if invoice.lines else None


def _due(to: _Reckoner) -> None:
    totals = to.invoice.totals
    if totals.without_tax is not None and (totals.tax is not None or totals.with_tax is not None):
        tax = totals.tax or ZERO
        to.step(
            "gross-total",
            "Total with VAT",
            _signed(to, totals.without_tax, (tax,)),
            totals.without_tax + tax,
            totals.with_tax,
            source="BR-CO-15",
        )
    if totals.with_tax is not None:
        prepaid, rounding = totals.prepaid or ZERO, totals.rounding or ZERO
        others = sum((each.amount or ZERO for each in to.invoice.advance_payments if each.for_others), ZERO)
        to.step(
            "payable",
            "Amount due",
            _signed(to, totals.with_tax, (-prepaid, rounding, others)),
            totals.with_tax - prepaid + rounding + others,
            totals.payable,
            source="BR-CO-16",
        )


def _category(tax: TaxSubtotal) -> str:
    """S 19 %."""
    return tax.category if tax.rate is None else f"{tax.category} {plain(tax.rate)} %".strip()


def _slack(to: _Reckoner, number: int) -> Decimal:
    """EXTENDED allows a unit for each amount added (BR-FXEXT-CO-10)."""
    return to.unit * number if "extended" in to.invoice.specification.lower() else ZERO


def _added(to: _Reckoner, amounts: Sequence[Decimal]) -> str:
    """Of many, the first and the last ones."""
    if len(amounts) > MOST_SHOWN:
        return f"{_added(to, amounts[: MOST_SHOWN - 1])} + … + {to.shown(amounts[-1])}"
    return _signed(to, amounts[0], amounts[1:])


MOST_SHOWN = 8


def _signed(to: _Reckoner, first: Decimal, others: Sequence[Decimal]) -> str:
    text = to.shown(first)
    for each in others:
        if each:
            text += f" − {to.shown(-each)}" if each < 0 else f" + {to.shown(each)}"
    return text
