"""The learner's record in the browser: shown in the terminal's words, and taken to the desk."""

import json
import mimetypes
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_exchange import ENTRIES, HOSTILE, LATER, RIGHT, TIME, WRONG, answer

from docs.site.written.progress import progress_page
from normlab.claims import sentences, your_bet
from normlab.claims.marker import _bets_state, _marks_state
from normlab.claims.marks import my_marks
from normlab.record import MARKS, Record
from normlab.record.history import Entry, history_of
from normlab.study.course import course
from normlab.study.exchange.command import export_command, import_command
from normlab.study.exchange.desk import desk_answers
from normlab.study.exchange.form import Progress, as_text, read_text
from normlab.study.overview import overview
from normlab.study.quiz import find_question, load_questions
from normlab.study.quiz.written import state
from normlab.study.reviews import due_on, they_come

SCRIPTS = Path(__file__).parent.parent / "docs" / "site"
ORIGIN = "http://site.test"  # not https, as in a school's network
PROGRESS = f"{ORIGIN}/progress.html"
ANSWER = "normlab:answer:01_layer_norm:layer_norm"

KNOWN_TO_THE_DESK_ALONE = {"an unknown function"}
"""The page takes answers for exercises that it does not know, and hands them on."""


@pytest.fixture
def page(browser):
    """A fresh browser with the page of the progress, as Sphinx makes it of its markdown."""
    html = "\n".join(
        line for line in progress_page().splitlines() if line.startswith("<")
    )  # what stands between is text

    def serve(route):
        path = route.request.url.removeprefix(f"{ORIGIN}/")
        name = Path(path).name
        if name == "progress.html":
            route.fulfill(body=f"<!doctype html><title>·</title>{html}", content_type="text/html")
        elif path.startswith("_static/course/") and (SCRIPTS / name).exists():
            kind = mimetypes.guess_type(name)[0]
            route.fulfill(body=(SCRIPTS / name).read_text(), content_type=kind)
        else:
            route.fulfill(status=404)

    context = browser.new_context(accept_downloads=True)
    context.route("**/*", serve)
    opened, troubles = context.new_page(), []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and troubles.append(said.text))
    opened.goto(PROGRESS)
    opened.wait_for_selector("#normlab-next")
    yield opened
    context.close()
    assert not troubles


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """The folders of a record and of work, in which the commands run."""
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data", tmp_path / "work"


def call(page, code, *arguments):
    """Run code with the functions of progress.js at hand."""
    names = (
        "record, readRecord, recordAnswer, lastAnswer, marksState, betsState, exportRecord, "
        "importRecord"
    )
    return page.evaluate(
        f"async (args) => {{ const {{ {names} }} = await import('/_static/course/progress.js');"
        f" {code} }}",
        list(arguments),
    )


def export(page, path):
    """As a learner does it, by keys."""
    page.focus("#normlab-export")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(path)
    return path


def take_in(page, path):
    page.evaluate("() => { document.getElementById('normlab-exchanged').textContent = ''; }")
    page.set_input_files("#normlab-import", path)
    page.wait_for_function("() => document.getElementById('normlab-exchanged').textContent")
    return page.text_content("#normlab-exchanged")


def cells(page):
    return page.eval_on_selector_all(
        "#normlab-progress > div:first-child tr",
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))",
    )


def sample_answers(question):
    """Answers that are right, near, far and wrong, as the widget has them in its model."""
    answers = question.answers
    if answers.kind == "choice":
        return list(range(len(answers.options)))
    if answers.kind == "sentence":
        count = len(answers.points)
        said = [[True] * count, [False] * count, [n == 0 for n in range(count)]]
        return [{"text": "…", "said": each} for each in said]
    factors = (1, 1.04, 1.5, 30, 0, -1)
    if answers.kind == "number":
        return [answers.answer * factor for factor in factors]
    return [[y * factor for y in answers.answer] for factor in factors]


def test_an_answer_surprises_in_the_page_as_in_python(page):
    asked = [(q, given) for q in load_questions().values() for given in sample_answers(q)]
    code = """
      return args.map(([question, answer]) => {
        localStorage.clear();
        recordAnswer(question, answer);
        const [entry] = readRecord().entries;
        return [entry.surprise, lastAnswer(question)];
      });"""
    found = call(page, code, *([state(q), given] for q, given in asked))
    assert len(found) == len(asked) > 500
    for (question, given), (surprise, last) in zip(asked, found, strict=True):
        assert surprise == pytest.approx(question.answers.surprise(given)), question.id
        assert last == given, question.id


def test_what_was_done_here_goes_to_the_desk_and_is_told_there_in_the_same_words(
    page, desk, tmp_path
):
    data, work = desk
    chance = random.Random(0)
    done = [q for q in load_questions().values() if q.chapter < "04" or not q.deep]
    questions = [q for q in done if q.chapter < "07" or chance.random() < 0.4]
    asked = [[state(q), chance.choice(sample_answers(q))] for q in questions]
    call(page, "for (const [question, answer] of args) recordAnswer(question, answer);", *asked)
    for claim in (3, 25, 41):
        call(page, "record('marked', args[0], { word: args[1] });", claim, MARKS[3])
    for percent in (75, 99):
        call(page, "record('bet', 25, args[0]);", {"word": MARKS[3], "percent": percent})
    for points in (2, 1, 4):
        named = ["01_layer_norm:layer_norm", {"points": points, "max_points": 4}]
        call(page, "record('solved', ...args);", *named)
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [ANSWER, RIGHT])

    path = export(page, tmp_path / "there.json")
    assert import_command(path, work) == 0
    entries, _ = Record(data).entries()
    assert len(entries) == len(asked) + 3 + 2 + 2  # one point after two says nothing new
    assert [found.source for found in desk_answers(work)[0]] == [RIGHT]
    history = history_of(entries)
    told = overview(history, course(), datetime.now().date())
    assert cells(page)[1:] == [list(row.cells()) for row in told.chapters]
    text = page.text_content("#normlab-progress")
    assert "Claims of the seed text: marked 3 of 46." in text
    assert told.surprises.sentence() in text
    for table in told.surprises.tables():
        for row in table.rows:
            assert "".join(map(str, row)) in text
    assert "Bets on them: 1." in text
    assert call(page, "return marksState();") == _marks_state(my_marks())
    assert call(page, "return betsState();") == _bets_state(my_marks())


def test_a_file_goes_in_a_circle_and_nothing_is_lost_or_twice(page, desk, tmp_path):
    data, work = desk
    call(page, "record('marked', 25, { word: 'wrong' });")
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [ANSWER, WRONG])
    Record(data).add(ENTRIES)
    assert import_command(export(page, tmp_path / "1.json"), work) == 0
    assert export_command(tmp_path / "2.json", work) == 0
    assert "6 new entries, 0 new answers." in take_in(page, tmp_path / "2.json")
    assert "0 new entries, 0 new answers." in take_in(page, tmp_path / "2.json")
    here = read_text(export(page, tmp_path / "3.json").read_text())
    entries, _ = Record(data).entries()
    assert {entry.id: entry for entry in here.entries} == {entry.id: entry for entry in entries}
    assert len(here.entries) == 7
    assert list(here.answers) == desk_answers(work)[0]


def test_a_file_of_the_version_before_is_taken_in_and_the_next_one_is_of_this_version(
    page, tmp_path
):
    whole = json.loads(as_text(Progress([e for e in ENTRIES if e.kind != "bet"], [])))
    path = tmp_path / "old.json"
    path.write_text(json.dumps(whole | {"version": 1}))
    assert "5 new entries" in take_in(page, path)
    call(page, "record('bet', 25, { word: 'wrong', percent: 90 });")
    written = export(page, tmp_path / "new.json").read_text()
    assert json.loads(written)["version"] == 2
    assert {entry.kind for entry in read_text(written).entries} >= {"bet", "marked", "tried"}


def test_a_newer_file_is_refused_by_its_version(page, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(HOSTILE["a newer version"][0])
    assert "it is of version 3, and this page knows 1 and 2; load the page anew" in take_in(
        page, path
    )


def test_a_record_that_was_stored_before_there_were_bets_is_read(page):
    stored = '{"format": "normlab progress", "version": 1, "entries": []}'
    page.evaluate("text => localStorage.setItem('normlab:record', text)", stored)
    call(page, "record('bet', 25, { word: 'wrong', percent: 90 });")
    assert call(page, "return readRecord().bets;")["25"][0]["percent"] == 90
    kept = page.evaluate("() => ({...localStorage})")
    assert list(kept) == ["normlab:record"]  # nothing was put aside
    assert json.loads(kept["normlab:record"])["version"] == 2


def test_the_newer_of_two_answers_stands_in_the_exercise_and_the_other_one_is_kept(page, tmp_path):
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [ANSWER, WRONG])
    older, newer = tmp_path / "older.json", tmp_path / "newer.json"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    older.write_text(as_text(Progress([], [answer("def layer_norm(): ...")])))
    newer.write_text(as_text(Progress([], [answer(RIGHT, tomorrow)])))
    said = take_in(page, older)
    assert "1 new answers" in said
    assert page.evaluate("key => localStorage.getItem(key)", ANSWER) == WRONG
    said = take_in(page, newer)
    assert "Newer answers replace 01_layer_norm:layer_norm; yours are kept below" in said
    assert page.evaluate("key => localStorage.getItem(key)", ANSWER) == RIGHT
    earlier = page.locator("#normlab-earlier details")
    assert [earlier.nth(n).locator("pre").text_content() for n in range(2)] == [
        "def layer_norm(): ...",
        WRONG,
    ]
    kept = read_text(export(page, tmp_path / "all.json").read_text()).answers
    assert {found.source for found in kept} == {"def layer_norm(): ...", WRONG, RIGHT}


def test_an_answer_has_the_time_when_its_page_was_left(page, tmp_path):
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [ANSWER, RIGHT])
    page.reload()
    page.wait_for_selector("#normlab-next")
    left = datetime.now(UTC)
    page.wait_for_timeout(50)
    (found,) = read_text(export(page, tmp_path / "file.json").read_text()).answers
    assert datetime.fromisoformat(found.time) < left


def test_a_file_that_is_not_whole_is_refused_and_nothing_of_it_kept(page, tmp_path):
    call(page, "record('marked', 25, { word: 'wrong' });")
    export(page, tmp_path / "before.json")
    before = page.evaluate("() => ({...localStorage})")
    path = tmp_path / "file.json"
    for name in HOSTILE.keys() - KNOWN_TO_THE_DESK_ALONE:
        path.write_text(HOSTILE[name][0])
        said = take_in(page, path)
        assert said.startswith("file.json cannot be taken in: "), name
        assert said.endswith("Nothing of it was."), name
        assert page.evaluate("() => ({...localStorage})") == before, name


def test_an_answer_that_would_leave_its_folder_is_no_name(page, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(HOSTILE["a way out"][0])
    assert 'exercise is "../../x"; expected a name' in take_in(page, path)


def test_a_record_that_cannot_be_read_is_put_aside_and_a_new_one_begins(page):
    page.evaluate("() => localStorage.setItem('normlab:record', '{\"format\": 1')")
    call(page, "record('marked', 25, { word: 'wrong' });")
    assert call(page, "return readRecord().entries.length;") == 1
    aside = page.evaluate("() => localStorage.getItem('normlab:record-put-aside-1')")
    assert aside == '{"format": 1'
    page.reload()
    assert "this page could not read was put aside" in page.text_content("#normlab-earlier")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download it").click()
    assert download.value.path().read_text() == '{"format": 1'


def test_where_nothing_can_be_stored_the_page_says_so_and_goes_on(page, tmp_path):
    page.evaluate(
        "() => { window.setItem = Storage.prototype.setItem; Storage.prototype.setItem = () => "
        "{ throw new DOMException('', 'QuotaExceededError'); } }"
    )
    call(page, "record('marked', 25, { word: 'wrong' });")
    told = page.get_by_role("alert")
    assert told.text_content().startswith(
        "This browser keeps nothing of what you do here (QuotaExceededError): it is gone when you "
        "leave this page."
    )
    with page.expect_download() as download:
        told.get_by_role("button", name="Export").click()
    kept = read_text(download.value.path().read_text())
    assert [entry.values for entry in kept.entries] == [(25, "wrong")]
    page.evaluate("() => { Storage.prototype.setItem = window.setItem; }")
    call(page, "record('marked', 3, { word: 'wrong' });")
    assert told.count() == 0


def test_the_best_result_counts_whatever_came_after_it(page, tmp_path):
    solved = [
        Entry("solved", name, time, ("01_layer_norm", "layer_norm", points, 4.0))
        for name, time, points in (("s1", TIME, 4.0), ("s2", LATER, 1.0))
    ]
    path = tmp_path / "file.json"
    path.write_text(as_text(Progress(solved, [])))
    take_in(page, path)
    assert cells(page)[2][-1] == "▰▰▰▰▰ 4 of 4 points"


def test_an_entry_that_is_none_is_an_error_of_the_program(page):
    with pytest.raises(Exception, match='word is "yes"; expected one of holds'):
        call(page, "record('marked', 25, { word: 'yes' });")


SAY = """async ([state, said]) => {
    const { listenForAnswers, restoreAnswers } = await import("/_static/course/answers.js");
    const { Model } = await import("/_static/course/model.js");
    listenForAnswers();
    const model = new Model(state, document.body);
    restoreAnswers(model);
    const before = model.get("bets");
    model.set("said", said);
    model.save_changes();
    await new Promise((done) => setTimeout(done));
    const [bets, marks, heard] = ["bets", "marks", "heard"].map((name) => model.get(name));
    return { before, bets, marks, heard };
}"""


def test_what_is_bet_in_a_page_is_kept_in_the_browser_and_the_first_bet_counts(page, desk):
    state = {k: v for k, v in your_bet(7, 8).get_state().items() if not k.startswith("_")}
    state.pop("layout")
    first = page.evaluate(SAY, [state, [[7, "wrong"], [7, "wrong", 90]]])
    assert (first["before"], first["heard"]) == ({}, 2)
    assert first["marks"]["7"][:2] == ["wrong", "wrong"]
    page.reload()
    page.wait_for_selector("#normlab-next")
    assert "Bets on them: 1." in page.text_content("#normlab-progress")
    again = page.evaluate(SAY, [state, [[7, "wrong", 50], [8, "don't know"]]])
    assert again["before"] == first["bets"]
    assert [bet[:2] for bet in again["bets"]["7"]] == [["wrong", 90], ["wrong", 50]]
    assert again["marks"].keys() == {"7", "8"}


@pytest.mark.parametrize(
    ("bet", "why"),
    [
        ({"word": "don't know", "percent": 75}, "word is .*; expected one of holds, holds if"),
        ({"word": "wrong", "percent": 60}, "percent is 60; expected one of 25, 50, 75, 90, 99"),
    ],
)
def test_a_bet_on_no_verdict_or_of_no_level_is_an_error_of_the_program(page, bet, why):
    with pytest.raises(Exception, match=why):
        call(page, "record('bet', 25, args[0]);", bet)


def test_a_question_that_came_back_with_other_numbers_does_not_fill_the_first(page, tmp_path):
    question = state(find_question("one-hot"))
    path = tmp_path / "file.json"
    path.write_text(as_text(Progress(ENTRIES, [])))
    take_in(page, path)
    last = call(page, "return lastAnswer(args[0]);", question)
    assert question["options"][last]["letter"] == "b"  # the later "c" was asked again
    assert LATER > TIME


def test_what_comes_back_is_counted_in_the_page_as_on_the_desk(page, tmp_path):
    chance, today = random.Random(0), datetime.now().astimezone()
    counts, path = set(), tmp_path / "file.json"
    for questions in range(6):
        entries = []
        for question in [*load_questions()][:questions]:
            for number in range(chance.randint(1, 7)):
                time = today - timedelta(days=chance.randint(0, 20), minutes=chance.randint(0, 9))
                surprise = 1.0 if number == 0 else chance.choice([0.0, 0.0, 0.0, 0.4])
                said = (question, "b", surprise, int(number > 0 and chance.random() < 0.9))
                entries.append(Entry("answered", f"{question}-{number}", time.isoformat(), said))
        page.evaluate("localStorage.clear()")
        path.write_text(as_text(Progress(entries, [])))
        take_in(page, path)
        due = len(due_on(today.date(), history_of(entries), load_questions().values()))
        counts.add(due)
        said = page.text_content("#normlab-next")
        assert said.startswith(f"Next: {they_come(due)} back today: " if due else "Next: Read"), due
    assert len(counts) > 2


def test_the_page_knows_of_each_question_its_name_alone():
    html = progress_page()
    known = json.loads(html.split('id="normlab-course">')[1].split("</script>")[0])
    assert known["claims"] == len(sentences())
    questions = [q for chapter in known["chapters"] for q in chapter["questions"]]
    assert [q["id"] for q in questions] == list(load_questions())
    assert {key for q in questions for key in q} == {"id", "theme", "deep"}
