"""What is wrong with settings or a policy, said without the values themselves: one may be a secret."""

from pydantic import ValidationError

from hub.kit.errors import InvalidInput


def refusal(code: str, what: str, error: ValidationError) -> InvalidInput:
    """The refusal of a document with every fault at once; `errors` has the path and the reason of each."""
    faults = [
        {"path": "/".join(str(part) for part in fault["loc"]), "reason": fault["msg"]}
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    listed = "; ".join(f"{fault['path']}: {fault['reason']}" for fault in faults)
    return InvalidInput(code, f"{what}: {listed}", extra={"errors": faults})
