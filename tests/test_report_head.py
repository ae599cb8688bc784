"""What stands around the content of a page: names, icon, links inside the output folder."""

import base64
import re

import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.report import head
from cvm_analysis.texts import words

EN = words("en")


def test_a_path_may_go_up_to_the_output_folder_and_no_further():
    assert head.address("../../../index.html", 3) == "../../../index.html"
    assert head.address("a.html") == "a.html"
    with pytest.raises(InputError):
        head.address("../../../index.html", 2)


@pytest.mark.parametrize(
    "path", ["", "..", "../..", "/a", "//host/a", "\\\\host\\a", "a/../b", "."]
)
def test_what_is_no_path_inside_is_refused(path):
    with pytest.raises(InputError, match="no path inside the output folder"):
        head.address(path, 3)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("https://a.b/c", "https%3A//a.b/c"),
        ("地板 1.html", "%E5%9C%B0%E6%9D%BF%201.html"),
        ("%2e%2e/x", "%252e%252e/x"),
    ],
)
def test_a_path_is_never_read_as_another_kind_of_address(path, address):
    assert head.address(path) == address


def test_the_name_on_paper_cannot_end_the_style():
    found = str(head.describe('"}</style><b>\\', EN)["on_paper"])
    assert found[0] == found[-1] == '"'
    assert not set(found[1:-1]) & set('"<>}\n') and re.fullmatch(r"(\\[0-9a-f]+ |\w)*", found[1:-1])
    assert head.describe("地板A", EN)["on_paper"] == '"地板A"'


def test_the_icon_is_a_picture_in_the_page_and_loads_nothing():
    kind, _, content = head.describe("t", EN)["icon"].partition(",")
    icon = base64.b64decode(content).decode()
    assert kind == "data:image/svg+xml;base64" and icon.startswith("<svg")
    assert "href" not in icon and "url(" not in icon and "script" not in icon
