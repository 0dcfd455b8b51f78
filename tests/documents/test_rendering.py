"""How readers see times, days, money and sentences."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.amounts import money, price, quantity
from documents.rendering import (
    Reader,
    day,
    day_plain,
    day_short,
    environment,
    filesize,
    moment,
    moment_exact,
    moment_short,
    named,
    render,
    sentence,
    static_address,
)

SEOUL = Reader("en", "Asia/Seoul")
SEOUL_KO = Reader("ko", "Asia/Seoul")
BERLIN = Reader("en", "Europe/Berlin")
DUE = datetime(2026, 5, 27, 9, 0, 8, tzinfo=UTC)


def shown(template: str, reader: Reader, **values: object) -> str:
    """A template's text as ``render`` would show it."""
    made = environment(reader.locale).from_string(template)
    return made.render({**values, "reader": reader, "lang": reader.locale})


def test_a_time_is_shown_in_the_readers_zone_and_names_it() -> None:
    assert moment(DUE, SEOUL) == "Wed 27 May 2026, 18:00 KST"
    assert moment_exact(DUE, SEOUL) == "Wed 27 May 2026, 18:00:08 KST"
    assert moment_short(DUE, SEOUL) == "Wed 27 May, 18:00 KST"
    assert moment(DUE, Reader()) == "Wed 27 May 2026, 09:00 UTC"


def test_koreans_read_times_in_their_own_form() -> None:
    assert moment(DUE, SEOUL_KO) == "2026년 5월 27일(수) 18:00 KST"
    assert moment_exact(DUE, SEOUL_KO) == "2026년 5월 27일(수) 18:00:08 KST"
    assert moment_short(DUE, SEOUL_KO) == "5월 27일(수) 18:00 KST"
    assert moment(DUE, Reader("ko", "Europe/Prague")) == "2026년 5월 27일(수) 11:00 CEST"


def test_the_same_instant_may_be_another_day_elsewhere() -> None:
    late = datetime(2026, 1, 25, 21, 19, tzinfo=UTC)
    assert moment(late, Reader("en", "Europe/Athens")) == "Sun 25 Jan 2026, 23:19 EET"
    assert moment(late, SEOUL) == "Mon 26 Jan 2026, 06:19 KST"


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "Sun 29 Mar 2026, 01:59 CET"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Sun 29 Mar 2026, 03:00 CEST"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Sun 25 Oct 2026, 02:30 CEST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Sun 25 Oct 2026, 02:30 CET"),
    ],
)
def test_the_zones_name_tells_the_two_sides_of_a_clock_change_apart(instant: datetime, words: str) -> None:
    assert moment(instant, BERLIN) == words


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("UTC", "UTC"),
        ("Asia/Seoul", "KST"),
        ("Asia/Tokyo", "JST"),
        ("America/New_York", "EDT"),
        ("America/Sao_Paulo", "UTC-3"),
        ("Europe/Istanbul", "UTC+3"),
        ("Asia/Kathmandu", "UTC+5:45"),
        ("Asia/Dubai", "UTC+4"),
        ("Pacific/Marquesas", "UTC-9:30"),
        ("Pacific/Kiritimati", "UTC+14"),
    ],
)
def test_a_zone_without_letters_of_its_own_is_named_by_its_distance(zone: str, name: str) -> None:
    assert moment(DUE, Reader("en", zone)).endswith(" " + name)


def test_a_time_without_a_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="without its zone"):
        moment(datetime(2026, 5, 27, 9, 0), SEOUL)  # noqa: DTZ001
    with pytest.raises(ValueError, match="without its zone"):
        shown("{{ at | timetag }}", SEOUL, at=datetime(2026, 5, 27, 9, 0))  # noqa: DTZ001


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["Asia/Seoul", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"]),
)
def test_every_time_shows_the_clock_of_its_zone_and_a_name(instant: datetime, zone: str) -> None:
    local = instant.astimezone(ZoneInfo(zone))
    for locale in ("en", "ko"):
        words = moment(instant, Reader(locale, zone))
        assert f" {local:%H:%M} " in words
        assert str(local.year) in words
        assert words.rpartition(" ")[2].strip("+-")[0].isalpha()


def test_days_have_no_zone_and_do_not_move() -> None:
    last = date(2029, 4, 1)
    for zone in ("Pacific/Kiritimati", "Pacific/Marquesas"):
        assert day(last, Reader("en", zone)) == "Sun 1 Apr 2029"
    assert day(last, SEOUL_KO) == "2029년 4월 1일(일)"
    assert day_plain(last, SEOUL) == "1 Apr 2029"
    assert day_plain(last, SEOUL_KO) == "2029년 4월 1일"
    assert day_short(last, SEOUL) == "Sun 1 Apr"
    assert day_short(last, SEOUL_KO) == "4월 1일(일)"


def test_the_day_of_an_instant_is_the_readers() -> None:
    assert day(datetime(2026, 5, 26, 16, 0, tzinfo=UTC), SEOUL) == "Wed 27 May 2026"
    assert day(datetime(2026, 5, 26, 16, 0, tzinfo=UTC), BERLIN) == "Tue 26 May 2026"


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("84600", "EUR", "EUR 84,600.00"),
        ("1284.5", "GBP", "GBP 1,284.50"),
        ("38400000", "KRW", "KRW 38,400,000"),
        ("1999", "JPY", "JPY 1,999"),
        ("1.25", "KWD", "KWD 1.250"),
        ("0", "EUR", "EUR 0.00"),
        ("-12.3", "EUR", "EUR -12.30"),
        ("123456789012345.67", "EUR", "EUR 123,456,789,012,345.67"),
    ],
)
def test_an_amount_has_its_currency_and_that_currencys_own_decimals(amount: str, currency: str, words: str) -> None:
    assert money(Decimal(amount), currency) == words
    assert money(amount, currency) == words


def test_no_digit_of_an_amount_is_lost() -> None:
    assert money("0.125", "EUR") == "EUR 0.125"


def test_sizes_are_short() -> None:
    assert [filesize(each) for each in (0, 999, 1000, 214_499, 1_200_000, 99_950_000)] == [
        "0 B",
        "999 B",
        "1 kB",
        "214 kB",
        "1.2 MB",
        "100 MB",
    ]


def test_a_sentence_is_said_in_the_readers_language_and_then_filled() -> None:
    words = "%(sender)s asks you to approve it."
    assert sentence(words, "en", sender="김민준") == "김민준 asks you to approve it."
    assert sentence(words, "ko", sender="김민준") == "김민준 님이 승인을 요청했습니다."


def test_a_sentence_that_nobody_has_translated_is_said_in_english() -> None:
    assert sentence("Quite unheard of, %(name)s.", "ko", name="Ann") == "Quite unheard of, Ann."


def test_a_sentence_without_values_may_hold_a_percent_sign() -> None:
    assert sentence("100 % of it.", "en") == "100 % of it."


def test_templates_speak_the_readers_language_with_one_or_many() -> None:
    words = '{{ ngettext("%(num)s day", "%(num)s days", n) }}'
    assert [shown(words, SEOUL, n=n) for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
    assert [shown(words, SEOUL_KO, n=n) for n in (1, 2)] == ["1일", "2일"]


def test_a_time_in_a_page_carries_the_same_instant_for_machines() -> None:
    words = "{{ at | timetag }} {{ at | timetag_exact }} {{ on | daytag }}"
    assert shown(words, SEOUL, at=DUE, on=date(2029, 4, 1)) == (
        '<time datetime="2026-05-27T09:00:08Z">Wed 27 May 2026, 18:00 KST</time> '
        '<time datetime="2026-05-27T09:00:08Z">Wed 27 May 2026, 18:00:08 KST</time> '
        '<time datetime="2029-04-01">Sun 1 Apr 2029</time>'
    )


def test_what_people_typed_is_text_in_a_page_also_inside_a_sentence() -> None:
    source = environment().overlay(autoescape=True).from_string('{{ _("With %(name)s.", name=name) }}')
    said = source.render(name="<b>&", reader=SEOUL)
    assert said == "With &lt;b&gt;&amp;."


def test_a_template_that_asks_for_what_it_was_not_given_fails() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("emails/task/subject.txt", SEOUL)


def test_the_address_of_a_file_of_ours_changes_with_its_content() -> None:
    address = static_address("signoff.css")
    assert address.startswith("/static/signoff.css?v=")
    assert len(address.partition("?v=")[2]) == 10
    assert address != static_address("img/seal.svg")


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en", "You have approved this invoice"), ("ko", "이 송장을 승인하셨습니다")],
)
def test_what_is_written_of_contracts_names_the_invoice_to_whoever_reads_one(locale: str, words: str) -> None:
    assert named("You have approved this contract", Reader(locale, "Asia/Seoul", paper="invoice")) == words


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("text", ["or a contract, by its number", "The contract %(contract)s is not in force."])
def test_a_contract_beside_the_invoice_stays_one(locale: str, text: str) -> None:
    reader = Reader(locale, "Asia/Seoul", paper="invoice")
    said = named(text, reader)
    assert said == sentence(text, locale)
    assert ("contract" if locale == "en" else "계약") in said


@pytest.mark.parametrize(
    ("number", "currency", "as_quantity", "as_price"),
    [
        ("2.0000", "EUR", "2", "2.00"),
        ("86.5500", "EUR", "86.55", "86.55"),
        ("0.00125", "EUR", "0.00125", "0.00125"),
        ("1250000.00", "KRW", "1,250,000", "1,250,000"),
        ("1.5", "KWD", "1.5", "1.500"),
        ("-1", None, "-1", "-1.00"),
        ("100", "JPY", "100", "100"),
    ],
)
def test_quantities_have_no_idle_zeros_and_prices_the_decimals_of_their_currency(
    number: str, currency: str | None, as_quantity: str, as_price: str
) -> None:
    assert (quantity(Decimal(number)), price(Decimal(number), currency)) == (as_quantity, as_price)
