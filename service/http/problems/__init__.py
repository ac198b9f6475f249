"""One class for each way to refuse a request (RFC 9457). `service.http.render` answers with them.

The API shows a class's name as the problem's type, `NotFound` as `/problems/not-found`, and its docstring as
the title. Import them from here; the modules beside this one hold them by subject.
"""

from service.http.problems.annotations import *
from service.http.problems.archives import *
from service.http.problems.base import Problem as Problem
from service.http.problems.files import *
from service.http.problems.jobs import *
from service.http.problems.pools import *
from service.http.problems.requests import *
from service.http.problems.selections import *

BY_SLUG: dict[str, type[Problem]] = {problem.slug: problem for problem in Problem.__subclasses__()}
