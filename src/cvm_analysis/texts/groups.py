"""Names of groups of customers: values of a column, and age bands."""

import re

from cvm_analysis.texts import Words, text_key

_BAND = re.compile(r"(?:under_(?P<under>\d+)|(?P<low>\d+)_(?P<high>\d+)|(?P<from>\d+)_plus)")


def name_group(say: Words, column: str, code: str) -> str:
    """The word of a group: of the business, of the texts, of an age band, or the code itself."""
    for key in (text_key(column, code), f"groups.{code}", f"types.{code}"):
        if key in say:
            return say(key)
    band = _BAND.fullmatch(code)
    if not band:
        return code
    kind = {"under": "under", "low": "between", "from": "plus"}
    ages = {key: value for key, value in band.groupdict().items() if value}
    return say(f"groups.age.{kind[next(iter(ages))]}", **ages)
