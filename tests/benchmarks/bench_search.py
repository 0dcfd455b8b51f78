"""How fast the search is, its three ranks and the count included, over an office of made-up contracts and invoices.

    python -m tests.benchmarks.bench_search [ENTRIES]     (20,000 by default)

One entry in five is a contract of some 6 KB, the others have 50 to 300 letters; 55 % Korean, 30 % English, 15 % German;
common words are about as common as in real text. Every query runs once, in a transaction of its own.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlmodel import Session

from tests.support import parts, servers
from workflows.database import open_engine, reading
from workflows.search import schema
from workflows.search.operations import put_entry
from workflows.search.queries import find
from workflows.search.terms import entry

ENTRIES = 20_000
QUERIES = 24
"""Of each kind, for each kind of visibility."""
IN_ONE_TRANSACTION = 200


def main() -> None:
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with tempfile.TemporaryDirectory() as home:
        sys.stdout.write(report(run(entries, f"sqlite:///{Path(home) / 'search.db'}")))
    if not parts.present("postgresql"):
        sys.stdout.write(f"{parts.ABSENT}PostgreSQL ({parts.PARTS['postgresql'].install})\n")
        return
    with servers.postgresql(durable=True) as server:
        name = "bench_search"
        url = servers.create_database(server, name)
        try:
            sys.stdout.write(report(run(entries, url.render_as_string(hide_password=False))))
        finally:
            servers.drop_database(server, name)


def report(measured: dict[str, object]) -> str:
    lines = [f"{measured['database']}, {measured['entries']:,} entries, {measured['megabytes']} MB"]
    for name, times in measured.items():
        if isinstance(times, dict):
            numbers = "   ".join(f"{key} {value:7.2f} ms" for key, value in times.items())
            lines.append(f"  {name.replace('_', ' '):26} {numbers}")
    return "\n".join(lines) + "\n"


def run(entries: int, database_url: str) -> dict[str, object]:
    """Fill a database that has no entries in its index yet, and search it.

    Gives ``database``, ``entries``, ``megabytes`` (the whole database), and in milliseconds, each as
    ``{"p50": …, "p95": …, "max": …}``: ``cut_contract`` (text to terms), ``write_contract``, ``write_other``,
    ``search`` (all queries together) and ``search_…`` (queries of one kind).
    """
    engine = open_engine(database_url)
    try:
        with engine.begin() as connection:
            if not inspect(connection).has_table("search_entry"):
                schema.create(connection)
            elif connection.execute(text("select 1 from search_entry limit 1")).first():
                raise ValueError("The search index of this database is not empty.")
        office = Office()
        seconds = _fill(engine, office, entries)
        _settle(engine)
        for kind, query, seen_by in office.questions(entries):
            taken = _seconds_of(engine, query, seen_by)
            seconds.setdefault("search", []).append(taken)
            seconds.setdefault(f"search_{kind}", []).append(taken)
        return {
            "database": engine.dialect.name,
            "entries": entries,
            "megabytes": _megabytes(engine),
            **{name: _spread(times) for name, times in seconds.items()},
        }
    finally:
        engine.dispose()


def _fill(engine: Engine, office: Office, entries: int) -> dict[str, list[float]]:
    cutting: list[float] = []
    writing: dict[bool, list[float]] = {True: [], False: []}
    for first in range(0, entries, IN_ONE_TRANSACTION):
        with Session(engine) as session:
            for number in range(first, min(first + IN_ONE_TRANSACTION, entries)):
                paper = office.paper(number)
                started = time.perf_counter()
                cut = entry(
                    paper.kind,
                    str(number),
                    head=paper.head,
                    body=paper.body,
                    numbers=[paper.number],
                    seen_by=paper.seen_by,
                )
                ready = time.perf_counter()
                put_entry(session, cut)
                writing[paper.is_contract].append(time.perf_counter() - ready)
                if paper.is_contract:
                    cutting.append(ready - started)
            session.commit()
    return {"cut_contract": cutting, "write_contract": writing[True], "write_other": writing[False]}


def _settle(engine: Engine) -> None:
    """What PostgreSQL does by itself, but some time later."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum analyze search_entry"))


def _seconds_of(engine: Engine, query: str, seen_by: Sequence[str] | None) -> float:
    started = time.perf_counter()
    with reading(engine) as session:
        find(session, query, seen_by=seen_by)
    return time.perf_counter() - started


def _megabytes(engine: Engine) -> int:
    size = (
        "select pg_database_size(current_database())"
        if engine.dialect.name == "postgresql"
        else "select page_count * page_size from pragma_page_count(), pragma_page_size()"
    )
    with engine.execution_options(reading=True).connect() as connection:
        return round(float(connection.execute(text(size)).scalar_one()) / 1e6)


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    milliseconds = [1000 * each for each in seconds]
    if len(milliseconds) < 2:
        return dict.fromkeys(("p50", "p95", "max"), sum(milliseconds))
    return {
        "p50": statistics.median(milliseconds),
        "p95": statistics.quantiles(milliseconds, n=20)[-1],
        "max": max(milliseconds),
    }


@dataclass(frozen=True)
class Paper:
    kind: str
    number: str
    head: str
    body: str
    seen_by: tuple[str, ...]

    @property
    def is_contract(self) -> bool:
        return self.kind == "contract"


class Office:
    """The same papers and questions every time."""

    def __init__(self) -> None:
        chance = random.Random(7)
        korean, english, german = (VOCABULARY[language].split() for language in ("ko", "en", "de"))
        syllables = SYLLABLES.split()
        self.words = {
            "ko": korean + [chance.choice(korean) + chance.choice(korean) for _ in range(8000)],
            "en": english + ["".join(chance.choices(syllables, k=3)) for _ in range(15000)],
            "de": german + [chance.choice(german) + chance.choice(german) for _ in range(8000)],
        }
        # Zipf's law: the second most frequent word is half as frequent as the first
        self.weights = {
            language: list(accumulate(1 / (rank + 1) ** 0.9 for rank in range(len(words))))
            for language, words in self.words.items()
        }
        self.organisations = list(accumulate(1 / (rank + 1) ** 0.8 for rank in range(500)))

    def paper(self, number: int) -> Paper:
        chance = random.Random(number)
        (language,) = chance.choices(("ko", "en", "de"), (55, 30, 15))
        kind = "contract" if number % 5 == 0 else "invoice"
        (organisation,) = chance.choices(range(500), cum_weights=self.organisations)
        own = f"CT-2026/{number:06d}" if kind == "contract" else f"INV-2026/{number:06d}"
        length = {"ko": 600, "en": 950, "de": 700}[language] if kind == "contract" else chance.randrange(8, 45)
        words = self._said(chance, language, length)
        for at in range(11, length, 30):
            words[at] = f"{chance.randrange(1000, 10_000_000):,}.{chance.randrange(100):02d}"
        for at in range(12, length, 12):
            words[at] += "\n"
        title = " ".join(self._said(chance, language, 3))
        return Paper(
            kind,
            own,
            f"{title}\n{own}\nCompany {organisation}\n{chance.randrange(10, 999_999):,}.00",
            " ".join(words).replace("\n ", "\n"),
            (f"o{organisation}", f"d{organisation % 50}", f"p{chance.randrange(1000)}"),
        )

    def questions(self, entries: int) -> Iterator[tuple[str, str, list[str] | None]]:
        """Kind of query, query, who asks."""
        chance = random.Random(11)
        for _ in range(QUERIES):
            for seen_by in (
                None,
                [f"o{chance.randrange(500)}"],
                [f"d{chance.randrange(50)}"],
                [f"p{chance.randrange(1000)}"],
                [f"o{number}" for number in chance.sample(range(500), 10)],
            ):
                paper = self.paper(chance.randrange(entries))
                text = paper.body.split()
                at = chance.randrange(len(text) - 3)
                yield "one_word", text[at], seen_by
                yield "two_words", f"{text[at]} {text[at + 2]}", seen_by
                yield "three_words", f"{text[at]} {text[at + 1]} {text[at + 2]}", seen_by
                yield "as_typed", text[at][: chance.randrange(1, 6)], seen_by
                yield "number", paper.number[: chance.randrange(6, 16)], seen_by
                yield "phrase", f'"{text[at]} {text[at + 1]} {text[at + 2]}"', seen_by

    def _said(self, chance: random.Random, language: str, length: int) -> list[str]:
        words = chance.choices(self.words[language], cum_weights=self.weights[language], k=length)
        return [word + chance.choice(KOREAN_ENDINGS) for word in words] if language == "ko" else words


VOCABULARY = {
    "ko": """
        계약 임대 소프트웨어 유지보수 용역 매매 공급 구매 대금 지급 기한 기간 해지 해제 갱신 통지 손해 배상 책임
        보증 하자 납품 검수 인수 인도 설치 장비 서버 라이선스 사용 권한 비밀 정보 보호 개인 당사자 회사 주식 대표
        이사 서명 날인 부속 합의 조건 조항 목적 정의 범위 의무 권리 양도 금지 위반 분쟁 관할 법원 준거 법률
        대한민국 서울 불가항력 면책 이자 연체 세금 청구 금액
    """,
    "en": """
        the of and to in a for shall be or this by any with that agreement party is as on not such other contract
        parties may service term payment date time will notice customer supplier software licence use written rights
        information law delivery termination liability damages confidential invoice amount price tax order equipment
    """,
    "de": """
        der die und in den von zu das mit für ist im nicht ein eine als auch werden aus nach wird bei vertrag laufzeit
        kündigung lieferung zahlung rechnung betrag frist haftung gewährleistung schadensersatz prüfung bestellung
        auftrag miete straße software lizenz wartung leistung vergütung änderung schriftform datenschutz
    """,
}
SYLLABLES = "con tra pre sub inter per man ser vic lic den tor mar ket fin lan gra pro duc mis sor bel nor tan vel ment"
KOREAN_ENDINGS = ["", "", "", *"을를이가은는의에와", "에서", "으로", "및", "한다", "하고", "까지"]


if __name__ == "__main__":
    main()
