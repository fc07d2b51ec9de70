"""What other programs read of ours, by the rules of their own importers."""

import base64
import csv
import json
import re
from pathlib import Path

SCHEMAS = Path(__file__).parent / "schemas"


def schema(name):
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


class ImportFailed(ValueError):
    """The whole import is refused."""


def _field_count(line, separator):
    """How many fields Ruby's CSV finds in a line; None where it finds none."""
    try:
        return len(next(csv.reader([line], delimiter=separator, strict=True)))
    except csv.Error:
        return None


def _canvas_delimiter(path):
    """instructure/canvas-lms, gradebook_importer.rb: identify_delimiter."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[:3]
    counts = {}
    for separator in (";", ","):
        found = [_field_count(line, separator) for line in lines]
        counts[separator] = found[0] if len({*found}) == 1 and found[0] else 0
    return ";" if counts[";"] > counts[","] else ","


def _without_decimal_commas(field):
    """gradebook_importer.rb: the converter decimal_comma_to_period."""
    if not re.fullmatch(r"-?[0-9.,]+%?", field):
        return field
    *parts, last = re.split(r"[,.]", field)
    return f"{''.join(parts)}.{last}" if parts else last


def canvas_import(path, students):
    """{Canvas's ID: {assignment: grade}} and {assignment: points possible} after an import.

    Args:
        path: of the file.
        students: of the course: dicts with id, name, login and sis_id.

    Raises:
        ImportFailed: as the importer does, and where it takes a row for a new student.
    """
    with path.open(newline="", encoding="utf-8") as file:
        table = [
            [_without_decimal_commas(field) for field in row]
            for row in csv.reader(file, delimiter=_canvas_delimiter(path), strict=True)
        ]
    header, *rows = table
    if not (len(header) > 3 and "Student" in header[0] and "ID" in header[1]):
        raise ImportFailed("Invalid header row")
    if not (re.match(r"SIS\s+User\s+ID", header[2]) and re.match(r"SIS\s+Login\s+ID", header[3])):
        raise ImportFailed("its logins are not read")
    if "Section" not in header[4]:
        raise ImportFailed("Invalid header row")
    possible, grades = {}, {}
    for row in rows:
        if len(row) != len(header):
            raise ImportFailed(f"{row} has another length than its header")
        if "Points Possible" in row[0]:
            possible = dict(zip(header[5:], map(float, row[5:]), strict=True))
        elif any(re.search(r"[^\s]", field) for field in row):
            grades[_canvas_student(row, students)] = dict(zip(header[5:], row[5:], strict=True))
    return grades, possible


def _canvas_student(row, students):
    """gradebook_importer.rb: process_student; Ruby's to_i takes the digits that come first."""
    digits = re.match(r"\d+", row[1])
    for field, value in (("id", digits and digits[0]), ("sis_id", row[2]), ("login", row[3])):
        found = [student["id"] for student in students if value and student[field] == value]
        if found:
            return found[0]
    found = [student["id"] for student in students if student["name"] == row[0]]
    if not found:
        raise ImportFailed(f"{row} would be a new student")
    return found[0]


MOODLE_FIELDS = {"Email address": "email", "ID number": "sis_id", "Username": "login"}


def moodle_import(path, students, column):
    """{Moodle's id: {grade item: (grade, feedback)}} after an import that maps from `column`.

    moodle/moodle, grade/import/csv/classes/load_data.php: the first row that cannot be read ends
    the import, and a row with nothing in the column is taken for the student before.
    """
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, strict=True)
    header = [name.strip() for name in header]
    grades, student = {}, None
    for row in rows:
        if len(row) != len(header):
            raise ImportFailed("The columns do not match")
        record = dict(zip(header, map(str.strip, row), strict=True))
        if record[column]:
            field = MOODLE_FIELDS[column]
            found = [s["id"] for s in students if s[field] == record[column]]
            student = found[0] if len(found) == 1 else None
        if student is None:
            raise ImportFailed(f"User mapping error: {record[column]}")
        for item in header[header.index(column) + 1 :]:
            if item in MOODLE_FIELDS or item.endswith(" feedback"):
                continue
            value = record[item]
            if value and not re.fullmatch(r"-?\d+(\.\d+)?", value):
                raise ImportFailed(f"Bad grade: {value}")
            feedback = record[f"{item} feedback"]
            grades.setdefault(student, {})[item] = (float(value) if value else None, feedback)
    return grades


def reporter(outputs, variable="result"):
    """What GitHub Classroom's reporter makes of a step's outputs: (text, status of the job)."""
    lines = dict(line.split("=", 1) for line in outputs.read_text(encoding="utf-8").splitlines())
    results = json.loads(base64.b64decode(lines[variable], validate=True).decode("utf-8"))
    total = sum(test["score"] for test in results["tests"]) if results["max_score"] else 0
    failed = {"fail": "Some tests failed.", "error": "Some tests errored."}
    return results, f"Points {total:g}/{results['max_score']:g}", failed.get(results["status"], "")
