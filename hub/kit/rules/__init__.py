"""The rule language: declared facts, checked clauses, typed actions, rule sets. Values in, values out, no I/O."""
