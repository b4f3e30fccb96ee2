"""Every message remembers its template, so that a door can say it in another language."""

from __future__ import annotations

import ast
import string
from functools import cache

from tests.house.sources import name_of, product_files, tree_of
from tests.house.wordings import Wordings, glued, sayings

HOUSES = ("partsemble_core", "plugins")


@cache
def trees() -> dict[str, ast.Module]:
    """The core and the plugins; not the sandbox, which plays somebody else's program in that program's own words."""
    paths = [path for house in HOUSES for path in product_files(house) if "sandbox" not in path.parts]
    return {name_of(path): tree_of(path) for path in paths}


def found_in(source: str) -> Wordings:
    return Wordings({"snippet.py": ast.parse(source)}).read()


def test_no_message_of_an_error_forgets_its_template() -> None:
    found = Wordings(trees()).read()
    assert found.forgotten == [], "make these with errors.say"
    assert len(found.literals) > 500  # else the search has lost its way


def test_a_text_of_ours_is_never_glued_to_another() -> None:
    bad = [f"{name}:{node.lineno}" for name, tree in trees().items() for node in glued(tree)]
    assert bad == [], "say whole sentences; lists are made with errors.say_each"


def test_a_text_is_one_literal_whose_fields_are_its_values() -> None:
    bad = []
    for path in product_files():
        for call in sayings(tree_of(path)):
            if not _is_whole(call) and path.name != "errors.py":
                bad.append(f"{name_of(path)}:{call.lineno}: {ast.unparse(call)[:90]}")
    assert bad == []


def _is_whole(call: ast.Call) -> bool:
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant) or not isinstance(call.args[0].value, str):
        return False
    parsed = list(string.Formatter().parse(call.args[0].value))
    fields = {name for _, name, _, _ in parsed if name is not None}
    specs = "".join(spec or "" for _, _, spec, _ in parsed)
    return fields == {each.arg for each in call.keywords} and "{" not in specs


CLASSES = """
class PartsembleError(Exception): pass
class Invalid(PartsembleError):
    def __init__(self, field, message):
        super().__init__(message)
        self.field = field
class Leaf(Invalid):
    def __init__(self, name):
        super().__init__(f"lines[{name}]", say("There is no {name}.", name=name))
"""


def test_a_place_is_no_message_and_a_literal_is_fine() -> None:
    found = found_in(CLASSES + 'def f(i):\n    raise Invalid(f"lines[{i}]", "Enter a number.")')
    assert (found.forgotten, found.literals) == ([], {"Enter a number.", "There is no {name}."})


def test_a_message_is_followed_to_where_it_is_written() -> None:
    for body in (
        'raise Invalid("sku", f"{x} is taken.")',
        'raise Invalid(message="%s is taken." % x, field="sku")',
        'raise Invalid("sku", "{} is taken.".format(x))',
        'raise Invalid("sku", "It is " + x)',
        'raise Invalid("sku", x if x else f"{x} is taken.")',
        'told = f"{x} is taken."\n    raise Invalid("sku", told)',
        'told = "It is"\n    told += f" {x}."\n    raise Invalid("sku", told)',
        'raise Invalid("sku", str(x))',
        'raise Invalid("sku", told(x))\ndef told(x):\n    return f"{x} is taken."',
        'refuse(f"{x} is taken.")\ndef refuse(message):\n    raise Invalid("sku", message)',
        'raise Invalid("sku", WHY[x])\nWHY = {"a": f"{1} is taken."}',
        'raise Invalid("sku", say("{why}", why=word(why(x))))\ndef why(x):\n    return f"{x} is taken."',
        'raise Leaf2(f"{x} is taken.")\nclass Leaf2(PartsembleError): pass',
    ):
        assert len(found_in(f"{CLASSES}\ndef f(x):\n    {body}").forgotten) == 1, body


def test_glue_is_seen_around_a_text_of_ours() -> None:
    for source in (
        '", ".join(say("{n} left", n=n) for n in x)',
        'f"{say("a")}!"'.replace('say("a")', "say('a')"),
        'say("a") + "!"',
    ):
        assert len(list(glued(ast.parse(source)))) == 1, source
    assert list(glued(ast.parse('say("{names}", names=", ".join(x))'))) == []
