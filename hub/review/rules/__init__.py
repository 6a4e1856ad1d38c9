"""The hub's own checks, the review policy and what comes of the findings; pure."""
