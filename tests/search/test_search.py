"""The same answers on both databases."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, event
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel import Session

from tests.search import oracle
from tests.search.test_terms import DOES_NOT_FIND, FINDS, words
from workflows.search import postgres_index
from workflows.search.operations import note_edition, put, put_entry, remove
from workflows.search.queries import BATCH, MOST_BATCHES, Found, find, is_outdated
from workflows.search.terms import Entry, entry, fold


def add(
    session: Session,
    name: str,
    body: str = "",
    *,
    head: str = "",
    numbers: Sequence[str] = (),
    seen_by: Sequence[str] = ("o1",),
    marks: Sequence[str] = (),
    kind: str = "contract",
) -> None:
    put(
        session,
        kind=kind,
        object_id=name,
        head=head,
        body=body,
        numbers=numbers,
        seen_by=seen_by,
        marks=marks,
    )


def names(session: Session, query: str, *, seen_by: Sequence[str] | None = None) -> list[str]:
    return list(find(session, query, seen_by=seen_by).object_ids)


@pytest.mark.parametrize("place", ["head", "body"])
def test_text_is_found_and_other_text_is_not(session: Session, place: str) -> None:
    def found(query: str) -> set[str]:
        return set(find(session, query, seen_by=None, page=1000).object_ids)

    # lines of the head are fields, lines of the body may end within a word
    tried = [(text, query) for text, query in FINDS if place == "body" or "\n" not in text]
    for text, _ in tried + DOES_NOT_FIND:
        add(session, text, **{place: text})
    for text, query in tried:
        assert text in found(query)
    for text, query in DOES_NOT_FIND:
        assert text not in found(query)


def test_a_whole_number_comes_first_then_words_in_the_head_then_anywhere_and_the_newest_in_each(
    session: Session,
) -> None:
    add(session, "number, older", numbers=["CT 7"])
    add(session, "head, older", head="CT 7 renewed")
    add(session, "text, older", "see CT 7")
    add(session, "head, newer", head="CT 7 ended")
    add(session, "text, newer", "see CT 7")
    add(session, "number, newer", numbers=["ct-7"])
    assert names(session, "CT 7") == [
        *("number, newer", "number, older"),
        *("head, newer", "head, older"),
        *("text, newer", "text, older"),
    ]


def test_an_entry_written_again_keeps_its_age(session: Session) -> None:
    add(session, "older", "lease")
    add(session, "newer", "lease")
    add(session, "older", "lease, extended")
    assert names(session, "lease") == ["newer", "older"]


def test_what_an_entry_no_longer_says_does_not_find_it(session: Session) -> None:
    add(session, "1", "임대 계약서", head="CT-7", numbers=["CT-7"], seen_by=["o1", "p2"], marks=["in_force"])
    add(session, "1", "매매 계약서", head="CT-8", numbers=["CT-8"], seen_by=["o1"], marks=["ended"])
    assert names(session, "임대") == names(session, "CT-7") == names(session, "매매", seen_by=["p2"]) == []
    assert find(session, "매매", seen_by=None, marks=["in_force"]) == Found((), "0", more=False, cut_short=False)
    assert names(session, "매매 CT-8", seen_by=["o1"]) == ["1"]


def test_a_change_of_order_alone_is_seen_by_phrases(session: Session) -> None:
    add(session, "1", "alpha beta gamma")
    add(session, "1", "beta alpha gamma")
    assert names(session, '"alpha beta"') == []
    assert names(session, '"beta alpha"') == ["1"]


def test_what_was_removed_is_gone_and_may_come_back(session: Session) -> None:
    add(session, "1", "lease")
    add(session, "1", "lease", kind="request")
    remove(session, "contract", "1")
    remove(session, "contract", "was never there")
    assert find(session, "lease", seen_by=None, kind="contract").object_ids == ()
    assert find(session, "lease", seen_by=None, kind="request").object_ids == ("1",)
    add(session, "1", "lease again")
    assert find(session, "lease", seen_by=None, kind="contract").object_ids == ("1",)


def test_nothing_is_written_where_nothing_changed(session: Session) -> None:
    add(session, "1", "lease", head="CT-7")
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    version = sql("select ctid, xmin from search_entry" if is_postgresql else "select total_changes()")
    before = session.connection().execute(version).all()
    add(session, "1", "lease", head="CT-7")
    assert session.connection().execute(version).all() == before


def test_only_who_may_see_an_entry_finds_it(session: Session) -> None:
    add(session, "mine", "lease", seen_by=["p1"])
    add(session, "ours", "lease", seen_by=["o1", "p7"])
    add(session, "theirs", "lease", seen_by=["o2"])
    assert names(session, "lease", seen_by=["p1", "o1"]) == ["ours", "mine"]
    assert names(session, "lease", seen_by=["p1"]) == ["mine"]
    assert names(session, "lease", seen_by=["p"]) == []
    assert names(session, "lease", seen_by=["p11"]) == []
    assert names(session, "lease", seen_by=[]) == []
    assert names(session, "lease", seen_by=None) == ["theirs", "ours", "mine"]


def test_names_of_who_may_see_are_no_words(session: Session) -> None:
    add(session, "1", "lease", seen_by=["organisation1"], marks=["in_force"])
    for query in ("organisation1", "@organisation1", "in_force", "contract", "~contract", '"@organisation1"'):
        assert names(session, query) == []


def test_a_thousand_grants_are_one_question(session: Session) -> None:
    add(session, "1", "lease", seen_by=["g999"])
    assert names(session, "lease", seen_by=[f"g{number}" for number in range(1000)]) == ["1"]


def test_a_list_is_narrowed_by_kind_and_by_all_of_the_marks(session: Session) -> None:
    add(session, "1", "lease", marks=["in_force", "expiring"])
    add(session, "2", "lease", marks=["in_force"])
    add(session, "3", "lease", kind="request", marks=["in_force"])
    assert find(session, "lease", seen_by=["o1"], marks=["in_force"]).object_ids == ("3", "2", "1")
    assert find(session, "lease", seen_by=["o1"], kind="contract", marks=["in_force"]).object_ids == ("2", "1")
    assert find(session, "lease", seen_by=None, kind="contract", marks=["in_force", "expiring"]).object_ids == ("1",)


@pytest.mark.parametrize("query", ["", "  ", "?!", '""', "\0", "\ud800", "'; drop table search_entry --'"])
def test_a_query_of_nothing_or_of_mischief_finds_nothing(session: Session, query: str) -> None:
    add(session, "1", "lease")
    assert find(session, query, seen_by=None) == Found((), "0", more=False, cut_short=False)


@pytest.mark.parametrize(
    "query", ["a", "lease AND NOT", "NEAR(lease)", "terms:lease", "lease*", "'lease':*", "le^ase", "-lease", "lease\\"]
)
def test_operators_of_the_databases_are_ordinary_letters(session: Session, query: str) -> None:
    add(session, "1", "a lease and not near terms:lease le^ase")
    assert names(session, query) == ["1"]


def test_a_whole_page_pasted_into_the_box_is_cut_and_answered(session: Session) -> None:
    page = "소프트웨어 임대 계약서 agreement on maintenance of software 2026-11-25 " * 60
    add(session, "1", page)
    assert names(session, page) == ["1"]
    assert names(session, " ".join(chr(0xAC00 + number) for number in range(2000))) == []


def test_letters_that_a_database_cannot_keep_are_left_out(session: Session) -> None:
    add(session, "1", "le\0ase \ud800 계약\udfff서", head="\0 title")
    assert names(session, "계약 title") == ["1"]


def test_pages_join_to_the_whole_list(session: Session) -> None:
    for number in range(50):
        add(session, str(number), "lease", head="lease" if number % 3 else "", numbers=["lease"] if number == 7 else [])
    whole = find(session, "lease", seen_by=None, page=1000)
    pages = [find(session, "lease", seen_by=None, first=first, page=20) for first in (0, 20, 40, 60)]
    assert [name for each in pages for name in each.object_ids] == list(whole.object_ids)
    assert whole.object_ids[0] == "7"
    assert [each.more for each in pages] == [True, True, False, False]
    assert {each.count for each in (whole, *pages)} == {"50"}


def many(session: Session, body: str, how_many: int, *, first: int = 0) -> None:
    for number in range(first, first + how_many):
        put_entry(session, entry("contract", str(number), head="", body=body, numbers=[], seen_by=["o1"]))


def test_beyond_a_thousand_nothing_is_counted_or_shown(session: Session) -> None:
    many(session, "lease", 1000)
    assert find(session, "lease", seen_by=["o1"]).count == "1,000"
    last = find(session, "lease", seen_by=["o1"], first=980)
    assert (last.count, last.more, last.object_ids[-1]) == ("1,000", False, "0")

    many(session, "lease", 1, first=1000)
    found = find(session, "lease", seen_by=["o1"], first=980)
    assert (found.count, found.more, found.object_ids[-1], found.cut_short) == ("1,000+", False, "1", False)


def test_a_phrase_is_read_until_the_page_is_full_and_says_that_it_counted_no_further(session: Session) -> None:
    many(session, "days thirty within", 30)
    many(session, "thirty days", 30, first=30)
    many(session, "days thirty within", BATCH - 25, first=60)
    found = find(session, '"thirty days"', seen_by=["o1"])
    assert (found.object_ids[0], found.object_ids[-1]) == ("59", "40")
    assert (found.count, found.more, found.cut_short) == ("25+", True, False)

    rest = find(session, '"thirty days"', seen_by=["o1"], first=20)
    assert rest.object_ids == tuple(str(number) for number in range(39, 29, -1))
    assert (rest.count, rest.more, rest.cut_short) == ("30", False, False)


def test_a_phrase_among_too_many_candidates_says_that_not_all_were_read(session: Session) -> None:
    many(session, "thirty days", 1)
    many(session, "days thirty", BATCH * MOST_BATCHES, first=1)
    assert find(session, '"thirty days"', seen_by=["o1"]) == Found((), "0", more=False, cut_short=True)

    remove(session, "contract", "5")
    remove(session, "contract", "6")
    found = find(session, '"thirty days"', seen_by=["o1"])
    assert (found.object_ids, found.count, found.cut_short) == (("0",), "1", False)


def test_an_entry_as_large_as_can_be_is_kept_whole(session: Session) -> None:
    longest = "\U00020000" * 12  # four bytes a letter
    body = " ".join(f"{number:06d}{'ж' * 34}" for number in range(20_000))
    add(session, "1", f"{longest} {body}", head="The title", seen_by=[f"p{number}" for number in range(2000)])
    assert names(session, "title", seen_by=["p1999"]) == ["1"]
    assert names(session, "000000жжж " + longest) == ["1"]
    assert names(session, "005000жжж") == ["1"]
    assert names(session, "019999жжж") == []


def test_an_index_of_another_edition_is_outdated_until_everything_is_put_again(session: Session) -> None:
    assert not is_outdated(session)
    session.connection().execute(sql("update search_edition set edition = '0, Unicode 13.0.0'"))
    assert is_outdated(session)
    note_edition(session)
    assert not is_outdated(session)


@given(word=words)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_word_is_found_by_itself_and_by_its_beginning(session: Session, word: str) -> None:
    with session.begin_nested() as attempt:
        add(session, "1", f"before {word} after", head=word)
        beginning = fold(word)[: (len(fold(word)) + 1) // 2]
        assert names(session, word) == names(session, beginning) == ["1"]
        attempt.rollback()


VOCABULARY = [
    *(
        "계약",
        "계약서를",
        "소프트웨어임대계약서",
        "임대",
        "임대 계약서를",
        "관계",
        "약정",
        "이 사건",
        "이사",
        "갑",
        "갑은",
    ),
    *("gamma", "Gammastraße", "Straße", "Café", "CAFÉ", "payment", "within", "30", "days", "Ver-\ntrag"),
    *(
        "INV-2026/001",
        "1,250.00",
        "契約書",
        "ガイド",
        "ｶﾞｲﾄﾞ",
        "かき",
        "がき",
        "㈜한빛",
        "한\n빛",
        "제3조",
        "सेवा",
        "สัญญา",
    ),
]
QUERIES = [
    *(
        "계약",
        "계약서를",
        '"임대 계약"',
        "소프트웨어임대",
        "임대계약서",
        "관계약정",
        "이사",
        "이사건",
        "한빛",
        "갑",
        '"갑"',
        "갑 은",
    ),
    *(
        "gam",
        "gammas",
        "strasse",
        "cafe",
        "payment 임대",
        "pay",
        "payme",
        "vertrag",
        '"payment within 30 days"',
        '"within 30"',
    ),
    *(
        "inv-2026",
        "INV2026001",
        "2026/001",
        "inv-2026/001",
        "INV 2026 001",
        "CT-7",
        "ＩＮＶ",
        "1250",
        "1,250.00",
        '"1,250.00"',
    ),
    *("契約", "ガイド", "か", "が", "제3조", '"제3조"', "सेवा", "สัญญา", unicodedata.normalize("NFD", "계약"), "nowhere"),
]


def test_after_random_writes_every_answer_is_what_looking_at_all_entries_gives(session: Session) -> None:
    chance = random.Random(1)
    entries: dict[int, Entry] = {}
    ages: dict[tuple[str, str], int] = {}
    for step in range(800):
        kind, name, is_doomed = chance.choice(["contract", "request"]), str(chance.randrange(60)), chance.random() < 0.1
        savepoint = session.begin_nested()
        if chance.random() < 0.15:
            remove(session, kind, name)
            if not is_doomed and (kind, name) in ages:
                del entries[ages.pop((kind, name))]
        else:
            written = entry(
                kind,
                f"{kind} {name}",
                head="\n".join(chance.choices(VOCABULARY, k=2)),
                body=" ".join(chance.choices(VOCABULARY, k=chance.randrange(12))),
                numbers=[chance.choice(["INV-2026/001", "CT-7", "", "…"])],
                seen_by=[f"o{chance.randrange(4)}", f"p{chance.randrange(4)}"],
                marks=[chance.choice(["in_force", "ended"])],
            )
            put_entry(session, Entry(kind, name, written.terms, written.plain))
            if not is_doomed:
                entries[ages.setdefault((kind, name), step)] = written
        if is_doomed:
            savepoint.rollback()
        else:
            savepoint.commit()

    answers = 0
    for query in QUERIES:
        for seen_by in (None, ["o1"], ["o1", "p2"], ["nobody"]):
            for kind, marks in (("contract", []), ("request", ["in_force"])):
                expected = [
                    each.split()[1] for each in oracle.found(entries, query, seen_by=seen_by, kind=kind, marks=marks)
                ]
                got = find(session, query, seen_by=seen_by, kind=kind, marks=marks, page=1000)
                assert list(got.object_ids) == expected, (query, seen_by, kind, marks)
                assert got.count == str(len(expected))
                answers += bool(expected)
    assert answers > 150


def test_on_sqlite_the_index_is_sound_after_writing_again_and_removing(sqlite_index: Engine) -> None:
    with Session(sqlite_index) as session:
        for number in range(40):
            add(session, str(number % 7), f"lease {number} 계약서")
        remove(session, "contract", "3")
        check = "insert into search_index (search_index) values ('integrity-check')"
        session.connection().execute(sql(check))


def _meets(terms: set[str], conditions: Sequence[tuple[str, ...]]) -> bool:
    return all(
        any(each.startswith(term[:-1]) if term.endswith("*") else each == term for term in condition for each in terms)
        for condition in conditions
    )


class TestOnPostgreSQL:
    @pytest.fixture
    def session(self, postgresql_index: Engine) -> Session:
        return Session(postgresql_index)

    def test_a_word_only_in_old_entries_is_found_through_all_blocks(self, session: Session) -> None:
        with session:
            expected = []
            for number in range(400):
                # as if 5,000 others had been written in between
                session.connection().execute(
                    sql("select setval(pg_get_serial_sequence('search_entry', 'id'), :last)"),
                    {"last": (number + 1) * 5000},
                )
                add(
                    session,
                    str(number),
                    "old lease" if number < 30 else "lease",
                    head="seldom" if number % 90 == 0 else "",
                )
                expected.append(str(number))
            assert names(session, "old") == expected[29:9:-1]
            assert names(session, "lease") == expected[:379:-1]
            assert find(session, "lease", seen_by=None, page=1000).object_ids == tuple(reversed(expected))
            assert names(session, "seldom") == ["360", "270", "180", "90", "0"]

    @pytest.mark.parametrize("analysed", ["never", "before all was written again", "now"])
    def test_each_way_to_the_newest_entries_gives_what_looking_at_all_gives(
        self, session: Session, monkeypatch: pytest.MonkeyPatch, analysed: str
    ) -> None:
        chance = random.Random(5)
        # of each the share of entries that has it: of some what belongs to older ones only
        shares = {"everywhere": 1.0, "nearly": 0.9, "commonplace": 0.9, "sometimes": 0.4, "seldom": 0.05, "once": 0.004}
        tried = [*((word,) for word in shares), ("nearly*",), ("comm*",), ("se*",), ("seldom", "once"), ("former*",)]
        entries: dict[int, set[str]] = {}
        with session:
            for turn in ("first", "again"):
                for number in range(500):
                    words = [word for word, share in shares.items() if chance.random() < share]
                    # PostgreSQL guesses of prefixes only where it knows a hundred terms
                    words += [f"w{chance.randrange(100)}" for _ in range(5)]
                    if number < 60:
                        words.append("formerly")
                    if turn == "first":
                        words = ["seldom", "once", "everywhere"]
                        # as if 500 others had been written in between
                        session.connection().execute(
                            sql("select setval(pg_get_serial_sequence('search_entry', 'id'), :last)"),
                            {"last": (number + 1) * 500},
                        )
                    add(session, str(number), " ".join(words))
                    entries[(number + 1) * 500 + 1] = set(
                        entry("x", "", head="", body=" ".join(words), numbers=[], seen_by=[]).terms
                    )
                if (turn == "first" and analysed != "never") or analysed == "now":
                    session.connection().execute(sql("analyze search_entry"))
            for patched in (
                {},
                {"FEW": 0, "FEW_OF": 0.06},
                {"MOST_CANDIDATES": 5},
                {"FEW": 0, "FEW_OF": 0.0, "OFTEN": 0.3},
                {"FEW": 0, "FEW_OF": 0.0, "OFTEN": 0.3, "MOST_WALKED": 40},
                {"FEW": 0, "FEW_OF": 0.0, "OFTEN": 0.8, "MOST_LOOKED_AT": 0},
                {"FEW": 0, "FEW_OF": 0.0, "OFTEN": 2.0},
            ):
                for name, value in patched.items():
                    monkeypatch.setattr(postgres_index, name, value)
                for _ in range(40):
                    conditions = chance.sample(tried, k=chance.randrange(1, 4))
                    below = chance.choice([260_000, 250_002, 200_000, 30_000, 2_000])
                    most = chance.choice([1, 7, 30, 600])
                    meet = [key for key, terms in entries.items() if key < below and _meets(terms, conditions)]
                    with postgres_index.prepared(session.connection()):
                        got = postgres_index.newest(session.connection(), conditions, below=below, most=most)
                    assert got == sorted(meet, reverse=True)[:most], (patched, conditions, below, most)
                monkeypatch.undo()

    def test_a_search_leaves_nothing_behind_in_the_callers_transaction(self, session: Session) -> None:
        settings = sql(
            "select current_setting('enable_seqscan'), current_setting('jit'), current_setting('plan_cache_mode')"
        )
        with session:
            before = session.connection().execute(settings).one()
            add(session, "1", "lease")
            assert names(session, "lease") == ["1"]
            assert session.connection().execute(settings).one() == before == ("on", before[1], "auto")
            assert names(session, "lease") == ["1"]

    def test_a_search_that_fails_leaves_the_transaction_usable(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with session:
            add(session, "1", "lease")
            monkeypatch.setattr("workflows.search.queries.BATCH", "no number")
            with pytest.raises(Exception, match="no number"):
                names(session, "lease")
            monkeypatch.undo()
            assert names(session, "lease") == ["1"]

    def test_a_search_may_run_in_a_transaction_that_only_reads(self, session: Session) -> None:
        with session:
            session.connection().execute(sql("set transaction read only"))
            assert names(session, "lease") == []

    def test_what_somebody_else_removes_during_a_search_is_left_out(self, postgresql_index: Engine) -> None:
        def remove_meanwhile(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("select id, object_id"):
                with Session(postgresql_index) as other:
                    remove(other, "contract", "going")
                    other.commit()

        with Session(postgresql_index) as session:
            add(session, "staying", "lease")
            add(session, "going", "lease")
            session.commit()
            event.listen(postgresql_index, "before_cursor_execute", remove_meanwhile)
            try:
                assert names(session, "lease") == ["staying"]
            finally:
                event.remove(postgresql_index, "before_cursor_execute", remove_meanwhile)
                remove(session, "contract", "staying")
                session.commit()

    def test_two_who_put_the_same_object_at_once_both_succeed(self, postgresql_index: Engine) -> None:
        with Session(postgresql_index) as first, Session(postgresql_index) as second, ThreadPoolExecutor(1) as pool:
            add(first, "same", "written first")
            waiting = pool.submit(add, second, "same", "written second")
            first.commit()
            waiting.result(timeout=30)
            assert names(second, "second") == ["same"]
            second.commit()
            remove(first, "contract", "same")
            first.commit()


def test_a_search_leaves_alone_what_the_caller_has_changed_but_not_yet_written(session: Session) -> None:
    Base.metadata.create_all(session.connection())
    note = Note(id=1, words="old")
    session.add(note)
    session.flush()
    note.words = "new"
    names(session, "lease")
    assert note.words == "new"
    session.flush()
    assert session.connection().execute(sql("select words from note")).scalar_one() == "new"


class Base(DeclarativeBase):
    """Apart from the product's tables."""


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]
