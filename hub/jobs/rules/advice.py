"""What a person does about work that failed, by the class of its error: beside the error's own text, never instead."""

from hub.jobs.rules.retry import MAX_ATTEMPTS, MAX_CRASHES

ADVICE = {
    "Transient": "The other side could not be reached or had trouble. It is tried again by itself, for about two days "
    f"({MAX_ATTEMPTS} attempts). Once parked: see whether the other side answers (hub connection check), then retry.",
    "RateLimited": "The other side asked for a pause: the whole connection waits as long as it said, and goes on by "
    "itself. If it stays so, ask for a larger quota, or let its schedules run less often.",
    "AuthFailed": "The credentials were refused and the connection is paused. Give it new ones (hub connection set), "
    "then run hub connection check: everything queued goes on by itself.",
    "Uncertain": "It was sent and no answer came: it may have happened. The other side is asked by our reference "
    "before anything is sent again. Once parked: look there; if it is done, skip this job, else retry it.",
    "Conflict": "The other side has a newer version. It is read again and tried again by itself. Once parked: compare "
    "both sides, then retry.",
    "Duplicate": "The other side says it has this already, under our key. Look what it holds: skip this job where that "
    "is what we mean, else correct it there and retry.",
    "Rejected": "The other side said no, and will again. Read its reason, correct the order, the product or the "
    "connection's settings, then retry; or settle it by hand and skip.",
    "Malformed": "The answer or document cannot be read. Mend the plugin or its settings, then retry; the bytes are "
    "kept (hub replay for messages).",
    "NeedsAck": "A person must decide. Look on the other side what became of it: if it is done, skip this job with the "
    "reason, else retry it.",
    "SignatureInvalid": "The signature or time of a delivery did not fit. Compare the connection's secret with the "
    "platform's, and this machine's clock with the true time, then retry.",
    "Unsupported": "The plugin cannot do this. Change the routing or the policy that asks for it, and skip this job; "
    "or install a version of the plugin that can, and retry.",
    "Bug": "The hub or a plugin failed on it; the log has the traceback under job.bug. Install a mended version, then "
    f"retry. A job that ended its worker {MAX_CRASHES} times stops here too: see whether the process had memory left.",
}
OTHER = (
    "An error of the plugin's own. Read its text and the plugin's page, remove the cause, then retry; or settle it by "
    "hand and skip."
)
"""A plugin may derive classes of its own from `PluginError`."""


def advice_on(error_class: str | None) -> str | None:
    """What to do about an error class; None where nothing failed."""
    return None if error_class is None else ADVICE.get(error_class, OTHER)
