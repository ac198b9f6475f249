"""The names that `import fewpairs` gives."""

import inspect
import re

import fewpairs


def test_all_that_public_methods_return_can_be_imported() -> None:
    """Each class that a method or property of a public class returns is a name of the package itself."""
    returned = set()
    for name in fewpairs.__all__:
        for _, member in inspect.getmembers(getattr(fewpairs, name)):
            function = member.fget if isinstance(member, property) else member
            annotations = getattr(function, "__annotations__", {})
            returned |= set(re.findall(r"fewpairs\.\w+\.(\w+)", repr(annotations.get("return"))))
    assert {"Pool", "Job", "Selection"} <= returned
    assert returned <= set(fewpairs.__all__)
