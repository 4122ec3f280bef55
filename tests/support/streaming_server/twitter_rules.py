# SPDX-License-Identifier: MIT
"""The rules of X's filtered stream: kept, paged, added, deleted, tried without effect, refused."""

import itertools

MOST_RULES = 1000
LONGEST_RULE = 1024
PROBLEMS = "https://api.x.com/2/problems/"
LONE_OPERATORS = ("has:", "lang:", "is:", "sample:")


def fault_of(value):
    """Why a rule is refused; "" where it is not."""
    if not isinstance(value, str) or not value.strip():
        return "Rule value must not be empty"
    if len(value) > LONGEST_RULE:
        return f"Rules must be at most {LONGEST_RULE} characters"
    if value.count("(") != value.count(")"):
        return "missing ')' at '<EOF>' (at position %d)" % (len(value) + 1)
    if all(word.lstrip("-").startswith(LONE_OPERATORS) for word in value.split()):
        return "Rules must contain a non-negated operator that stands alone (at position 1)"
    return ""


class Rules:
    """`rules` maps ids to (value, tag)."""

    def __init__(self):
        self.rules = {}
        self.ids = itertools.count(1166916266197536768)
        self.largest_page = 1000
        self.posts = []  # every change that was asked for: (is_dry, body)

    def set(self, *values):
        self.rules = {str(next(self.ids)): (value, "") for value in values}

    def values(self):
        return [value for value, _tag in self.rules.values()]

    def entry(self, identity):
        value, tag = self.rules[identity]
        return {"id": identity, "value": value, **({"tag": tag} if tag else {})}

    def page(self, request):
        """The answer to GET."""
        size = min(int(request.first("max_results", "1000")), self.largest_page)
        start = int(request.first("pagination_token", "0"))
        names = list(self.rules)
        wanted = request.query.get("ids")
        if wanted:
            names = [name for name in names if name in ",".join(wanted).split(",")]
        shown = names[start:start + size]
        meta = {"sent": "2026-01-01T00:00:00.000Z", "result_count": len(shown)}
        if start + size < len(names):
            meta["next_token"] = str(start + size)
        return 200, {**({"data": [self.entry(name) for name in shown]} if shown else {}), "meta": meta}

    def change(self, body, is_dry):
        """The answer to POST."""
        self.posts.append((is_dry, body))
        if not isinstance(body, dict) or len(set(body) & {"add", "delete"}) != 1:
            return 400, {"title": "Invalid Request", "detail": "One or more parameters to your request was invalid.",
                         "type": PROBLEMS + "invalid-request",
                         "errors": [{"message": "exactly one of add and delete is needed", "parameters": {}}]}
        kept = dict(self.rules)
        answer = self.add(body["add"]) if "add" in body else self.delete(body["delete"])
        if is_dry:
            self.rules = kept
        return answer

    def add(self, wanted):
        made, errors = [], []
        for rule in wanted:
            value, tag = rule.get("value"), rule.get("tag", "")
            fault = fault_of(value)
            same = [name for name, (other, _tag) in self.rules.items() if other == value]
            if fault:
                errors.append({"value": value, "details": [fault], "title": "UnprocessableEntity",
                               "type": PROBLEMS + "invalid-rules"})
            elif same:
                errors.append({"value": value, "id": same[0], "title": "DuplicateRule",
                               "type": PROBLEMS + "duplicate-rules"})
            elif len(self.rules) >= MOST_RULES:
                errors.append({"value": value, "title": "RulesCapExceeded", "type": PROBLEMS + "rule-cap",
                               "detail": f"Rule limit of {MOST_RULES} reached"})
            else:
                name = str(next(self.ids))
                self.rules[name] = (value, tag)
                made.append(self.entry(name))
        summary = {"created": len(made), "not_created": len(errors), "valid": len(made),
                   "invalid": len(errors)}
        return 201, {**({"data": made} if made else {}), **({"errors": errors} if errors else {}),
                     "meta": {"sent": "2026-01-01T00:00:00.000Z", "summary": summary}}

    def delete(self, wanted):
        names = wanted.get("ids") or [name for name, (value, _tag) in self.rules.items()
                                      if value in wanted.get("values", [])]
        errors = [{"errors": [{"parameters": {}, "message": "Rule does not exist"}], "title": "Invalid Request",
                   "type": PROBLEMS + "invalid-request"} for name in names if str(name) not in self.rules]
        deleted = sum(self.rules.pop(str(name), None) is not None for name in names)
        return 200, {**({"errors": errors} if errors else {}),
                     "meta": {"sent": "2026-01-01T00:00:00.000Z",
                              "summary": {"deleted": deleted, "not_deleted": len(errors)}}}
